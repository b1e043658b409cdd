// Ties a stream address to the <video> of the page: starts, recovers, renews the signature, tears
// down.
import { useEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { playWithHls } from './hls-playback.js';
import { readPrefix, renewalDelayMs, withFreshPrefix } from './hls-prefix.js';
import type { SignedPrefix } from './hls-prefix.js';
import { canPlayNatively, playNatively } from './native-playback.js';
import { automatic } from './playback.js';
import type { Playback, PlaybackEvents, PlaybackPhase, QualityLevel } from './playback.js';

export interface PlaybackView {
  phase: PlaybackPhase;
  qualities: QualityLevel[];
  /** The chosen quality: an index, `automatic` or `audioOnly`. */
  quality: number;
  setQuality: (index: number) => void;
  playback: RefObject<Playback | undefined>;
}

/**
 * Keeps the newest signature; `renewUrl` gets a newly signed address from the site, undefined when
 * refused.
 */
class Signature {
  private prefix: SignedPrefix | undefined;
  private timer: number | undefined;
  private isStopped = false;

  constructor(
    url: string,
    private readonly renewUrl: () => Promise<string | undefined>,
  ) {
    this.prefix = readPrefix(url);
    this.schedule();
  }

  freshen(url: string): string {
    return withFreshPrefix(url, this.prefix);
  }

  async renew(): Promise<boolean> {
    const url = await this.renewUrl();
    if (url === undefined || this.isStopped) return false;
    this.prefix = readPrefix(url) ?? this.prefix;
    this.schedule();
    return true;
  }

  stop(): void {
    this.isStopped = true;
    window.clearTimeout(this.timer);
  }

  private schedule(): void {
    window.clearTimeout(this.timer);
    if (!this.prefix) return;
    this.timer = window.setTimeout(
      () => void this.renew(),
      renewalDelayMs(this.prefix, Date.now()),
    );
  }
}

function watchVideo(video: HTMLVideoElement, onPhase: (phase: PlaybackPhase) => void): () => void {
  const onPlaying = (): void => onPhase('playing');
  const onWaiting = (): void => onPhase('stalled');
  video.addEventListener('playing', onPlaying);
  video.addEventListener('waiting', onWaiting);
  return () => {
    video.removeEventListener('playing', onPlaying);
    video.removeEventListener('waiting', onWaiting);
  };
}

/** `isCurrent` guards against a stream that was left while hls.js was still being fetched. */
async function begin(
  video: HTMLVideoElement,
  url: string,
  events: PlaybackEvents,
): Promise<Playback | undefined> {
  const playback = await playWithHls(video, url, events);
  if (playback) return playback;
  return canPlayNatively(video) ? playNatively(video, url, events) : undefined;
}

export function usePlayback(
  videoRef: RefObject<HTMLVideoElement | null>,
  url: string | undefined,
  renewUrl: () => Promise<string | undefined>,
): PlaybackView {
  const playback = useRef<Playback>(undefined);
  const [phase, setPhase] = useState<PlaybackPhase>('starting');
  const [qualities, setQualities] = useState<QualityLevel[]>([]);
  const [quality, setQuality] = useState(automatic);
  const renewRef = useRef(renewUrl);
  renewRef.current = renewUrl;
  useEffect(() => {
    const video = videoRef.current;
    if (!video || url === undefined) return undefined;
    let isLeft = false;
    const signature = new Signature(url, () => renewRef.current());
    const show = (next: PlaybackPhase): void => {
      if (!isLeft) setPhase(next);
    };
    show('starting');
    const unwatch = watchVideo(video, show);
    const events: PlaybackEvents = {
      onPhase: show,
      onQualities: setQualities,
      renew: () => signature.renew(),
      freshen: (address) => signature.freshen(address),
    };
    void begin(video, url, events)
      .then((started) => {
        if (isLeft) started?.destroy();
        else if (started) playback.current = started;
        else show('failed');
      })
      .catch(() => show('failed'));
    return () => {
      isLeft = true;
      unwatch();
      signature.stop();
      playback.current?.destroy();
      playback.current = undefined;
      setQualities([]);
      setQuality(automatic);
    };
  }, [url, videoRef]);
  const choose = (index: number): void => {
    playback.current?.setQuality(index);
    setQuality(index);
  };
  return { phase, qualities, quality, setQuality: choose, playback };
}
