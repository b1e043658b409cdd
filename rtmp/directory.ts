// Which streams are live in the whole fleet: a row per stream in the realtime Redis, held by a
// lease. The writing side belongs to the node that owns the show, the reading side is public (web,
// control, ingest).
// Invariant: a stream whose node has died is off the list when its lease ends, and exactly one
// caller of `expire` learns of it.
import { defineScript, type RedisClient } from '../cluster/index.js';
import type { StreamHealth } from './stream-health.js';

/** A live stream as the fleet sees it. */
export interface LiveStreamRow {
  readonly streamId: string;
  readonly nodeId: string;
  /**
   * `http://host:port` without a path; an empty host (`http://:8082`) means the host of the site.
   */
  readonly hlsUrlBase: string;
  /** Start of the show, not of the publish: it stays over reconnects. */
  readonly startedAtMs: number;
  /** Viewers that asked for a playlist within two target durations. */
  readonly viewers: number;
  readonly video?: {
    readonly width: number;
    readonly height: number;
    readonly fps: number;
    readonly codec: string;
  };
  readonly audio?: {
    readonly codec: string;
    readonly sampleRateHz: number;
    readonly channels: number;
  };
  /** How well the publisher sends; renewed every few seconds, absent while it is away. */
  readonly health?: StreamHealth;
  /** How far back `dvr.m3u8` reaches, ms; absent where there is no DVR. */
  readonly dvrMs?: number;
  /** Length of the parts of a low-latency show, ms; absent = it has none. */
  readonly partMs?: number;
  /** When the newest picture was made, Unix ms: `/h/<prefix>/<stream>/picture.jpg`. */
  readonly pictureAtMs?: number;
  /** Why the source is not passed on as it is; empty when it is. */
  readonly notes: readonly string[];
}

const KEYS = ['rtmp:{live}:leases', 'rtmp:{live}:rows'] as const;
const ROWS_MAX = 5_000;

const renewLive = defineScript<
  { streamId: string; fence: number; ttlMs: number; row: LiveStreamRow },
  boolean
>({
  file: new URL('./lua/renew-live.lua', import.meta.url),
  encode: ({ streamId, fence, ttlMs, row }) => ({
    keys: KEYS,
    argv: [streamId, fence, Math.round(ttlMs), JSON.stringify(row)],
  }),
  decode: (reply) => reply === 1,
});

const removeLive = defineScript<{ streamId: string; fence: number }, boolean>({
  file: new URL('./lua/remove-live.lua', import.meta.url),
  encode: ({ streamId, fence }) => ({ keys: KEYS, argv: [streamId, fence] }),
  decode: (reply) => reply === 1,
});

const listLive = defineScript<Record<string, never>, readonly LiveStreamRow[]>({
  file: new URL('./lua/list-live.lua', import.meta.url),
  encode: () => ({ keys: KEYS, argv: [ROWS_MAX] }),
  decode: toRows,
});

const expireLive = defineScript<Record<string, never>, readonly LiveStreamRow[]>({
  file: new URL('./lua/expire-live.lua', import.meta.url),
  encode: () => ({ keys: KEYS, argv: [1_000] }),
  decode: toRows,
});

/** The reading side. Every call asks Redis once; rejects when it is away. */
export class StreamDirectory {
  constructor(private readonly redis: RedisClient) {}

  /** All live streams, in no order; at most 5,000. */
  list(): Promise<readonly LiveStreamRow[]> {
    return listLive.run(this.redis, {});
  }

  /** @returns undefined when the stream is not live. Costs as much as `list`. */
  async find(streamId: string): Promise<LiveStreamRow | undefined> {
    return (await this.list()).find((row) => row.streamId === streamId);
  }
}

/** The writing side, for the node that owns a show. */
export class LiveLeases {
  constructor(private readonly redis: RedisClient) {}

  /** @returns false when a newer owner has the stream */
  renew(request: { fence: number; ttlMs: number; row: LiveStreamRow }): Promise<boolean> {
    return renewLive.run(this.redis, { ...request, streamId: request.row.streamId });
  }

  /** @returns false when it was not there or a newer owner has it */
  remove(streamId: string, fence: number): Promise<boolean> {
    return removeLive.run(this.redis, { streamId, fence });
  }

  /** Takes off the rows whose lease has ended; each row is returned to one caller in the fleet. */
  expire(): Promise<readonly LiveStreamRow[]> {
    return expireLive.run(this.redis, {});
  }
}

function toRows(reply: unknown): readonly LiveStreamRow[] {
  return (reply as (string | null)[]).flatMap((row) => {
    const at = row?.indexOf(' ') ?? -1;
    return row === null || at < 1 ? [] : [JSON.parse(row.slice(at + 1)) as LiveStreamRow];
  });
}
