// Thousands of clients that come back, spread over generator processes: a process holds at most
// 20,000 files here, and a hand-over needs two sockets per client.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReturnersAccount, ReturnersCalls } from '../../generator/returners.js';
import { startNodeChild, type NodeChild } from '../../lib/node-child.js';
import { preciseNowMs } from '../../lib/open-loop.js';
import type { Run } from '../../lib/run-context.js';
import { BENCH_SECRET, type RealtimeRedis } from '../../servers/gateway-worker.js';

const PROCESSES = 2;
const IN_FLIGHT = 32;
const FIRST_USER = 3_000_000;

export type CrowdAccount = Omit<ReturnersAccount, 'cpuMicros'> & {
  /** CPU of the busiest generator process, µs. */
  readonly generatorMicros: number;
};

export interface CrowdOptions {
  readonly clients: number;
  readonly room: string;
  readonly ports: readonly number[];
  /** Told apart from the users of other crowds. */
  readonly firstUser?: number;
}

export class ReturningCrowd {
  private constructor(
    private readonly generators: readonly NodeChild<ReturnersCalls>[],
    readonly size: number,
  ) {}

  static async open(
    run: Run,
    { clients, room, ports, firstUser = FIRST_USER }: CrowdOptions,
  ): Promise<ReturningCrowd> {
    const count = Math.ceil(clients / PROCESSES);
    const generators = Array.from({ length: PROCESSES }, () =>
      startNodeChild<ReturnersCalls>(run.scope, {
        entry: run.tree.entry('bench/generator/returners.ts'),
      }),
    );
    const shared = { count, room, ports, secret: BENCH_SECRET, inFlight: IN_FLIGHT };
    await Promise.all(
      generators.map((one, at) =>
        one.call('open', { ...shared, firstUser: firstUser + at * count }),
      ),
    );
    return new ReturningCrowd(generators, count * PROCESSES);
  }

  /** Where clients go from now on; `firstMs` undefined = the reference client's pauses. */
  async aim(ports: readonly number[], firstMs: number | undefined): Promise<void> {
    await Promise.all(this.generators.map((one) => one.call('aim', { ports, firstMs })));
  }

  /** All go there now, with a hand-over each. */
  async move(): Promise<void> {
    await Promise.all(this.generators.map((one) => one.call('move', null)));
  }

  /** All are gone for good. */
  async close(): Promise<void> {
    await Promise.all(this.generators.map((one) => one.stop()));
  }

  /** All stop reading. */
  async pause(): Promise<void> {
    await Promise.all(this.generators.map((one) => one.call('pause', null)));
  }

  async resume(): Promise<void> {
    await Promise.all(this.generators.map((one) => one.call('resume', null)));
  }

  async mark(): Promise<void> {
    await Promise.all(this.generators.map((one) => one.call('mark', null)));
  }

  /** Waits until all are connected and have everything up to `top`. @throws Error when too late */
  async whole(top: number, deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const states = await Promise.all(this.generators.map((one) => one.call('state', { top })));
      const isThere = (state: { joined: number; whole: number }): boolean =>
        state.joined === this.size / PROCESSES && state.whole === state.joined;
      if (states.every(isThere)) return;
      if (performance.now() > end) throw new Error(`not whole: ${JSON.stringify(states)}`);
      await delay(25);
    }
  }

  async account(top: number): Promise<CrowdAccount> {
    const all = await Promise.all(this.generators.map((one) => one.call('account', { top })));
    const sum = (of: (one: ReturnersAccount) => number): number =>
      all.reduce((total, one) => total + of(one), 0);
    const join = (of: (one: ReturnersAccount) => Float64Array): Float64Array =>
      Float64Array.from(all.flatMap((one) => [...of(one)]));
    return {
      lost: sum(({ lost }) => lost),
      disordered: sum(({ disordered }) => disordered),
      repeats: sum(({ repeats }) => repeats),
      unrecovered: sum(({ unrecovered }) => unrecovered),
      refused: sum(({ refused }) => refused),
      failed: sum(({ failed }) => failed),
      downMs: join(({ downMs }) => downMs),
      joinedMs: join(({ joinedMs }) => joinedMs),
      latencies: join(({ latencies }) => latencies),
      helloBytes: Math.round(sum(({ helloBytes }) => helloBytes) / all.length),
      replyBytes: Math.round(sum(({ replyBytes }) => replyBytes) / all.length),
      generatorMicros: Math.max(...all.map(({ cpuMicros }) => cpuMicros)),
    };
  }
}

/** One message that says when it was sent. @returns its offset */
export async function say(
  redis: RealtimeRedis,
  room: string,
  text = 'and on it goes',
): Promise<number> {
  const outcome = await redis.publisher.publish(`room:${room}`, {
    ...{ cls: 'reliable', kind: 't', body: { text: `${preciseNowMs()} ${text}` } },
  });
  return outcome.cls === 'reliable' ? outcome.offset : 0;
}

/** Goes on at a pace until it is stopped, which resolves with the last offset. */
export function talk(redis: RealtimeRedis, room: string, perSec: number): () => Promise<number> {
  const stop = new AbortController();
  const talking = (async () => {
    let top = 0;
    for (let due = performance.now(); !stop.signal.aborted; due += 1_000 / perSec) {
      top = await say(redis, room);
      await delay(Math.max(0, due + 1_000 / perSec - performance.now()));
    }
    return top;
  })();
  return () => {
    stop.abort();
    return talking;
  };
}
