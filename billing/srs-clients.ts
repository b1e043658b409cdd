// Which paid session a client of an SRS watches for: SRS says it once, when a play begins, and its
// API does not know our tokens. Kept in Redis, so that any billing process may poll. Used by
// srs-hooks.ts and srs-poller.ts.
import type { RedisClient } from '../cluster/index.js';

const KEY = '{live}:srs:clients';

export interface SrsClient {
  readonly server: string;
  readonly id: string;
}

export class SrsClients {
  constructor(private readonly redis: RedisClient) {}

  async remember(client: SrsClient, sessionId: string): Promise<void> {
    await this.redis.hset(KEY, field(client), sessionId);
  }

  async forget(client: SrsClient): Promise<void> {
    await this.redis.hdel(KEY, field(client));
  }

  /** In the order of the ids; undefined where nothing is known. */
  async sessions(server: string, ids: readonly string[]): Promise<(string | undefined)[]> {
    if (ids.length === 0) return [];
    const found = await this.redis.hmget(KEY, ...ids.map((id) => field({ server, id })));
    return found.map((one) => one ?? undefined);
  }

  /** Forgets the clients of a server that it no longer has; a hook that says so may be lost. */
  async keepOnly(server: string, ids: ReadonlySet<string>): Promise<void> {
    const prefix = `${server}/`;
    const gone = (await this.redis.hkeys(KEY)).filter((one) => {
      return one.startsWith(prefix) && !ids.has(one.slice(prefix.length));
    });
    if (gone.length > 0) await this.redis.hdel(KEY, ...gone);
  }
}

function field({ server, id }: SrsClient): string {
  return `${server}/${id}`;
}
