// Which streams are on the air, as this process knows it: looked up every two seconds and at once
// when an event says so. Used by lists, entry and the announcer. Every change is reported exactly
// once here.
import { coerceError, type Logger } from '../../cluster/index.js';
import type { FleetEvents, LiveStream, StreamDirectory } from '../ports.js';

const LOOK_EVERY_MS = 2_000;

export interface LiveChange {
  readonly stream: LiveStream;
  readonly isLive: boolean;
}

export interface LiveState {
  start(): void;
  stop(): void;
  /** Looks at the directory now; resolves when everybody has been told. Never rejects. */
  look(): Promise<void>;
  /** The stream if it is on the air, at most two seconds old. */
  find(streamId: string): LiveStream | undefined;
  /** Looks at the directory now when the stream is not known. @throws REALTIME_UNAVAILABLE */
  findNow(streamId: string): Promise<LiveStream | undefined>;
  all(): readonly LiveStream[];
  /** False while the directory cannot be read; what `find` says may then be old. */
  isFresh(): boolean;
  onChange(listener: (changes: readonly LiveChange[]) => Promise<void>): void;
}

export function createLiveState(parts: {
  directory: StreamDirectory;
  events: FleetEvents;
  log: Logger;
}): LiveState {
  const { directory, events, log } = parts;
  let streams: ReadonlyMap<string, LiveStream> = new Map();
  let isFresh = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isWantedAgain = false;
  const listeners: ((changes: readonly LiveChange[]) => Promise<void>)[] = [];

  async function look(): Promise<void> {
    const found = new Map((await directory.list()).map((one) => [one.streamId, one]));
    const changes = difference(streams, found);
    streams = found;
    isFresh = true;
    if (changes.length > 0) await Promise.all(listeners.map((listener) => listener(changes)));
  }

  /** One look at a time; an event during a look causes one more after it. */
  function lookOnce(): Promise<void> {
    if (running !== undefined) {
      isWantedAgain = true;
      return running;
    }
    running = look()
      .catch((thrown: unknown) => {
        if (isFresh) log.warn({ event: 'live.unknown', err: coerceError(thrown) });
        isFresh = false;
      })
      .finally(() => {
        running = undefined;
        if (isWantedAgain) {
          isWantedAgain = false;
          void lookOnce();
        }
      });
    return running;
  }

  return {
    start() {
      events.onStreamState(() => void lookOnce());
      void lookOnce();
      timer = setInterval(() => void lookOnce(), LOOK_EVERY_MS);
    },
    look: lookOnce,
    stop() {
      clearInterval(timer);
      isWantedAgain = false;
    },
    find: (streamId) => streams.get(streamId),
    async findNow(streamId) {
      const known = streams.get(streamId);
      if (known !== undefined && isFresh) return known;
      return (await directory.list()).find((one) => one.streamId === streamId);
    },
    all: () => [...streams.values()],
    isFresh: () => isFresh,
    onChange: (listener) => void listeners.push(listener),
  };
}

function difference(
  before: ReadonlyMap<string, LiveStream>,
  after: ReadonlyMap<string, LiveStream>,
): LiveChange[] {
  const isSame = (one: LiveStream): boolean =>
    before.get(one.streamId)?.startedAtMs === one.startedAtMs;
  return [
    ...[...before.values()]
      .filter((one) => !after.has(one.streamId))
      .map((stream) => ({ stream, isLive: false })),
    ...[...after.values()]
      .filter((one) => !isSame(one))
      .map((stream) => ({ stream, isLive: true })),
  ];
}
