// Plays a stream with the browser's own HLS (Safari on iPhone, where no script may feed the video).
import type { Playback, PlaybackEvents } from './playback.js';

const retryMs = 2500;

export function canPlayNatively(video: HTMLVideoElement): boolean {
  return video.canPlayType('application/vnd.apple.mpegurl') !== '';
}

export function playNatively(
  video: HTMLVideoElement,
  url: string,
  events: PlaybackEvents,
): Playback {
  let timer: number | undefined;
  const load = (): void => {
    video.src = events.freshen(url);
    video.play().catch(() => undefined);
  };
  const onError = (): void => {
    events.onPhase('stalled');
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      void events.renew().then((isRenewed) => {
        if (isRenewed) load();
        else events.onPhase('failed');
      });
    }, retryMs);
  };
  const liveEdge = (): number | undefined =>
    video.seekable.length > 0 ? video.seekable.end(video.seekable.length - 1) : undefined;
  video.addEventListener('error', onError);
  load();
  return {
    setQuality: () => undefined,
    latencySec: () => {
      const edge = liveEdge();
      return edge === undefined ? undefined : Math.max(0, edge - video.currentTime);
    },
    seekToLive: () => {
      const edge = liveEdge();
      if (edge !== undefined) video.currentTime = edge;
    },
    destroy: () => {
      window.clearTimeout(timer);
      video.removeEventListener('error', onError);
      video.removeAttribute('src');
      video.load();
    },
  };
}
