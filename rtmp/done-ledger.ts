// Done events that accepted sessions of this node will owe, kept in the realtime Redis so that they
// outlive the node: whoever sees that a node is gone adopts its events and sends them. Used by
// RtmpServer and main.ts. Invariant: what was owed and not settled is adopted by exactly one living
// node.

import { coerceError, defineScript, type Logger, type RedisClient } from '../cluster/index.js';
import type { HookRequest } from './hooks.js';

/** Where a node notes what it owes. `owe` and `settle` neither wait nor throw. */
export interface DoneLedger {
  owe(session: string, requests: readonly HookRequest[]): void;
  settle(session: string): void;
  /** Resolves when all notes so far are written or given up. */
  flush(): Promise<void>;
}

/** Events of a session whose node is gone. */
export interface OwedEvents {
  readonly session: string;
  readonly requests: readonly HookRequest[];
}

/** For a node that runs without Redis. */
export const NO_LEDGER: DoneLedger = {
  owe: () => undefined,
  settle: () => undefined,
  flush: () => Promise.resolve(),
};

const NODES_KEY = 'rtmp:{done}:nodes';

function owedKey(nodeId: string): string {
  return `rtmp:{done}:owed:${nodeId}`;
}

const adoptDone = defineScript<{ from: string; to: string }, readonly OwedEvents[]>({
  file: new URL('./lua/adopt-done.lua', import.meta.url),
  encode: ({ from, to }) => ({ keys: [owedKey(from), owedKey(to), NODES_KEY], argv: [from, to] }),
  decode: toEvents,
});

export class RedisDoneLedger implements DoneLedger {
  readonly #redis: RedisClient;
  readonly #nodeId: string;
  readonly #log: Logger;
  /** Writes in order: an event must never be noted after it was settled. */
  #writes: Promise<void> = Promise.resolve();

  constructor(options: { redis: RedisClient; nodeId: string; log: Logger }) {
    this.#redis = options.redis;
    this.#nodeId = options.nodeId;
    this.#log = options.log;
  }

  owe(session: string, requests: readonly HookRequest[]): void {
    const text = JSON.stringify(requests);
    this.#write(async () => {
      await this.#redis.sadd(NODES_KEY, this.#nodeId);
      await this.#redis.hset(owedKey(this.#nodeId), session, text);
    });
  }

  settle(session: string): void {
    this.#write(() => this.#redis.hdel(owedKey(this.#nodeId), session));
  }

  flush(): Promise<void> {
    return this.#writes;
  }

  /** Takes over what this node owed before it was restarted. Rejects when Redis is away. */
  recover(): Promise<readonly OwedEvents[]> {
    return adoptDone.run(this.#redis, { from: this.#nodeId, to: this.#nodeId });
  }

  /**
   * Takes over from all nodes that are not `alive`. Rejects when Redis is away; what was moved by
   * then is found by the next `recover`.
   */
  async adopt(alive: ReadonlySet<string>): Promise<OwedEvents[]> {
    const adopted: OwedEvents[] = [];
    for (const nodeId of await this.#redis.smembers(NODES_KEY)) {
      if (alive.has(nodeId) || nodeId === this.#nodeId) continue;
      const events = await adoptDone.run(this.#redis, { from: nodeId, to: this.#nodeId });
      this.#log.warn({ event: 'rtmp.done.adopted', from: nodeId, sessions: events.length });
      adopted.push(...events);
    }
    return adopted;
  }

  #write(run: () => Promise<unknown>): void {
    this.#writes = this.#writes.then(run).then(
      () => undefined,
      (thrown: unknown) => {
        this.#log.warn({ event: 'rtmp.done.unnoted', reason: coerceError(thrown).message });
      },
    );
  }
}

function toEvents(reply: unknown): readonly OwedEvents[] {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  const events: OwedEvents[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const requests = JSON.parse(flat[i + 1] ?? '[]') as HookRequest[];
    events.push({ session: flat[i] ?? '', requests });
  }
  return events;
}
