// Shows in the realtime Redis: who owns them (with a fencing token) and their state, so that a show
// goes on when its publisher comes back, on this node or another.
import { defineScript, type RedisClient } from '../../cluster/index.js';
import type { DvrEntry, DvrNews } from './dvr-log.js';
import type { ShowState } from './show.js';

export interface Ownership {
  /** Grows with every owner; a save with an older one is refused. */
  readonly fence: number;
  /** Owner before, or '' */
  readonly nodeBefore: string;
  readonly sessionBefore: string;
  readonly state: ShowState | undefined;
}

/** Longer than any publisher is waited for: nobody goes on with an older show. */
const DVR_TTL_MS = 3_600_000;
/** Entries that are read at a time. */
const DVR_PAGE = 1_000;
const NO_NEWS: DvrNews = { entries: [], keep: 0 };

/** A show that is not saved for this long is forgotten, and with it its sequence numbers. */
const TTL_MS = 24 * 3_600_000;

const acquireShow = defineScript<
  { streamId: string; nodeId: string; sessionId: string },
  Ownership
>({
  file: new URL('../lua/acquire-show.lua', import.meta.url),
  encode: ({ streamId, nodeId, sessionId }) => ({
    keys: [keyOf(streamId)],
    argv: [nodeId, sessionId, TTL_MS],
  }),
  decode: (reply) => {
    const [fence, nodeBefore, sessionBefore, state] = reply as [number, string, string, string];
    return { fence, nodeBefore, sessionBefore, state: parseState(state) };
  },
});

interface SaveRequest {
  readonly streamId: string;
  readonly fence: number;
  readonly state: ShowState;
  readonly news: DvrNews;
}

const saveShow = defineScript<SaveRequest, boolean>({
  file: new URL('../lua/save-show.lua', import.meta.url),
  encode: ({ streamId, fence, state, news }) => ({
    keys: [keyOf(streamId), dvrKeyOf(streamId, state.showId)],
    argv: [
      ...[fence, JSON.stringify(state), TTL_MS, news.keep, DVR_TTL_MS],
      ...news.entries.map((entry) => JSON.stringify(entry)),
    ],
  }),
  decode: (reply) => reply === 1,
});

export class ShowStore {
  constructor(private readonly redis: RedisClient) {}

  acquire(owner: { streamId: string; nodeId: string; sessionId: string }): Promise<Ownership> {
    return acquireShow.run(this.redis, owner);
  }

  /**
   * @param news of the DVR window; none leaves its log as it is
   * @returns false when another node owns the show by now
   */
  save(
    streamId: string,
    fence: number,
    state: ShowState,
    news: DvrNews = NO_NEWS,
  ): Promise<boolean> {
    return saveShow.run(this.redis, { streamId, fence, state, news });
  }

  /**
   * The log of a show's DVR window, in the order in which it was told.
   * @param after `lastId` of an earlier answer: only what is new
   */
  async dvrOf(
    streamId: string,
    showId: string,
    after = '-',
  ): Promise<{ entries: readonly DvrEntry[]; lastId: string }> {
    const entries: DvrEntry[] = [];
    let lastId = after;
    for (;;) {
      const from = lastId === '-' ? '-' : `(${lastId}`;
      const key = dvrKeyOf(streamId, showId);
      const page = await this.redis.xrange(key, from, '+', 'COUNT', DVR_PAGE);
      for (const [id, [, json = '']] of page) {
        entries.push(JSON.parse(json) as DvrEntry);
        lastId = id;
      }
      if (page.length < DVR_PAGE) return { entries, lastId };
    }
  }

  /** For readers that are not the owner. */
  async read(streamId: string): Promise<{ nodeId: string; state: ShowState } | undefined> {
    const [nodeId, raw] = await this.redis.hmget(keyOf(streamId), 'n', 'd');
    const state = parseState(raw ?? '');
    return nodeId === undefined || nodeId === null || state === undefined
      ? undefined
      : { nodeId, state };
  }
}

function keyOf(streamId: string): string {
  return `rtmp:{${streamId}}:show`;
}

function dvrKeyOf(streamId: string, showId: string): string {
  return `rtmp:{${streamId}}:dvr:${showId}`;
}

function parseState(raw: string): ShowState | undefined {
  return raw === '' ? undefined : (JSON.parse(raw) as ShowState);
}
