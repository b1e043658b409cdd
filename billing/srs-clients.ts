// Which paid session a client of an SRS watches for: SRS says it once, when a play begins, and its
// API does not know our tokens. Kept in Redis, so that any billing process may poll. Used by
// srs-hooks.ts and srs-poller.ts.
import { defineScript, type RedisClient } from '../cluster/index.js';
import { LEASE_KEY } from './poll-lease.js';

const KEY = '{live}:srs:clients';
const FORGET_MAX = 1_000;

const forgetClients = defineScript<readonly string[], number>({
  file: new URL('./lua/forget-clients.lua', import.meta.url),
  encode: (argv) => ({ keys: [LEASE_KEY, KEY], argv }),
  decode: Number,
  onMissing: 'load',
});

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

  /**
   * Forgets the clients of a server that it no longer has; a hook that says so may be lost. Nothing
   * when the list is that of a poller that another has followed.
   */
  async keepOnly(server: string, ids: ReadonlySet<string>, token: number): Promise<void> {
    const prefix = `${server}/`;
    const gone = (await this.redis.hkeys(KEY)).filter((one) => {
      return one.startsWith(prefix) && !ids.has(one.slice(prefix.length));
    });
    for (let at = 0; at < gone.length; at += FORGET_MAX) {
      await forgetClients.run(this.redis, [String(token), ...gone.slice(at, at + FORGET_MAX)]);
    }
  }
}

function field({ server, id }: SrsClient): string {
  return `${server}/${id}`;
}
