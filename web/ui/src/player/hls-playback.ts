// Plays a stream through hls.js (fetched here and nowhere else) and recovers from what live streams
// suffer: a playlist that is not there yet, an expired signature, a broken segment, a publisher who
// comes back.
import type { ErrorData, HlsConfig, LevelParsed, default as HlsType } from 'hls.js';
import workerUrl from 'hls.js/dist/hls.worker.js?url';
import { audioOnly, automatic, qualityLabel } from './playback.js';
import type { Playback, PlaybackEvents, QualityLevel } from './playback.js';

const retryMinMs = 700;
const retryMaxMs = 5000;

class Recovery {
  private timer: number | undefined;
  private attempts = 0;
  private mediaRecoveredAtMs = 0;

  constructor(
    private readonly hls: HlsType,
    private readonly events: PlaybackEvents,
    private readonly reload: () => void,
  ) {}

  /** Called for fatal errors only; hls.js itself repeats the others. */
  handle(data: ErrorData, isNetwork: boolean): void {
    const status = data.response?.code ?? 0;
    if (isNetwork) {
      this.events.onPhase('stalled');
      const isRefused = status === 401 || status === 403 || status === 410;
      this.retry(isRefused ? () => this.renewAndReload() : this.reload);
      return;
    }
    if (performance.now() - this.mediaRecoveredAtMs > 3000) {
      this.mediaRecoveredAtMs = performance.now();
      this.hls.recoverMediaError();
      return;
    }
    this.events.onPhase('stalled');
    this.retry(this.reload);
  }

  succeeded(): void {
    this.attempts = 0;
  }

  stop(): void {
    window.clearTimeout(this.timer);
  }

  private renewAndReload(): void {
    void this.events.renew().then((isRenewed) => {
      if (isRenewed) this.reload();
      else this.events.onPhase('failed');
    });
  }

  private retry(action: () => void): void {
    window.clearTimeout(this.timer);
    const waitMs = Math.min(retryMaxMs, retryMinMs * 1.6 ** this.attempts);
    this.attempts += 1;
    this.timer = window.setTimeout(action, waitMs);
  }
}

function config(events: PlaybackEvents): Partial<HlsConfig> {
  return {
    enableWorker: true,
    workerPath: workerUrl,
    liveSyncDurationCount: 2,
    liveMaxLatencyDurationCount: 8,
    maxLiveSyncPlaybackRate: 1.05,
    backBufferLength: 20,
    maxBufferLength: 20,
    capLevelToPlayerSize: true,
    // Without it one refused piece ends a chosen quality for good, while the menu still names it.
    preserveManualLevelOnError: true,
    xhrSetup: (xhr, url) => {
      const fresh = events.freshen(url);
      if (fresh !== url) xhr.open('GET', fresh, true);
    },
  };
}

/**
 * The sound alone is a playlist of its own: hls.js leaves it out of the levels of a stream that has
 * pictures, so it is played as another source.
 */
class SoundTrack {
  isChosen = false;
  private url: string | undefined;

  find(levels: readonly LevelParsed[]): void {
    if (this.isChosen) return;
    this.url = levels.find(({ videoCodec, audioCodec, width }) => {
      return audioCodec !== undefined && videoCodec === undefined && width === undefined;
    })?.url;
  }

  /** @returns whether another source is to be loaded */
  choose(isWanted: boolean): boolean {
    const next = isWanted && this.url !== undefined;
    const isNews = next !== this.isChosen;
    this.isChosen = next;
    return isNews;
  }

  source(picture: string): string {
    return this.isChosen && this.url !== undefined ? this.url : picture;
  }
}

function levelsOf(hls: HlsType): QualityLevel[] {
  return hls.levels.map((level, index) => ({ index, label: qualityLabel(level) }));
}

/** Begins to fetch the player while the room is still being entered. */
export function preloadPlayer(): void {
  import('hls.js').catch(() => undefined);
}

export async function playWithHls(
  video: HTMLVideoElement,
  url: string,
  events: PlaybackEvents,
): Promise<Playback | undefined> {
  const { default: Hls } = await import('hls.js');
  if (!Hls.isSupported()) return undefined;
  const hls = new Hls(config(events));
  const sound = new SoundTrack();
  const reload = (): void => {
    hls.loadSource(events.freshen(sound.source(url)));
    hls.startLoad(-1);
  };
  let chosen = automatic;
  const recovery = new Recovery(hls, events, reload);
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (data.fatal) recovery.handle(data, data.type === Hls.ErrorTypes.NETWORK_ERROR);
  });
  hls.on(Hls.Events.MANIFEST_LOADED, (_event, { levels }) => sound.find(levels));
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    if (!sound.isChosen) {
      events.onQualities(levelsOf(hls));
      // A source that is loaded anew begins automatic.
      if (chosen !== automatic && chosen < hls.levels.length) hls.loadLevel = chosen;
    }
    video.play().catch(() => undefined);
  });
  hls.on(Hls.Events.LEVEL_LOADED, (_event, { details: { partHoldBack } }) => {
    // A low-latency show says itself how close to the live edge one can play.
    const isNew = partHoldBack > 0 && hls.config.liveSyncDuration !== partHoldBack;
    if (isNew) hls.targetLatency = partHoldBack;
  });
  hls.on(Hls.Events.FRAG_BUFFERED, () => recovery.succeeded());
  hls.attachMedia(video);
  hls.loadSource(events.freshen(url));
  return {
    setQuality: (index) => {
      // Without a track of its own the sound comes with the smallest picture.
      chosen = index === audioOnly ? 0 : index;
      if (sound.choose(index === audioOnly)) reload();
      else if (!sound.isChosen) hls.nextLevel = chosen;
    },
    latencySec: () => (hls.latency > 0 ? hls.latency : undefined),
    seekToLive: () => {
      if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition;
    },
    destroy: () => {
      recovery.stop();
      hls.destroy();
    },
  };
}
