// Shows in the realtime Redis: who owns them (with a fencing token) and their state, so that a show
// goes on when its publisher comes back, on this node or another.
import { defineScript, type RedisClient } from '../../cluster/index.js';
import type { ShowState } from './show.js';

export interface Ownership {
  /** Grows with every owner; a save with an older one is refused. */
  readonly fence: number;
  /** Owner before, or '' */
  readonly nodeBefore: string;
  readonly sessionBefore: string;
  readonly state: ShowState | undefined;
}

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

const saveShow = defineScript<{ streamId: string; fence: number; state: ShowState }, boolean>({
  file: new URL('../lua/save-show.lua', import.meta.url),
  encode: ({ streamId, fence, state }) => ({
    keys: [keyOf(streamId)],
    argv: [fence, JSON.stringify(state), TTL_MS],
  }),
  decode: (reply) => reply === 1,
});

export class ShowStore {
  constructor(private readonly redis: RedisClient) {}

  acquire(owner: { streamId: string; nodeId: string; sessionId: string }): Promise<Ownership> {
    return acquireShow.run(this.redis, owner);
  }

  /** @returns false when another node owns the show by now */
  save(streamId: string, fence: number, state: ShowState): Promise<boolean> {
    return saveShow.run(this.redis, { streamId, fence, state });
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

function parseState(raw: string): ShowState | undefined {
  return raw === '' ? undefined : (JSON.parse(raw) as ShowState);
}
