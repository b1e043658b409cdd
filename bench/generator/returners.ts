// A generator process of clients that come back (returner.ts), for the scenarios in which workers
// leave or die.
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../lib/node-child.js';
import { preciseNowMs } from '../lib/open-loop.js';
import { Returner } from './returner.js';

export interface ReturnersSetup {
  readonly count: number;
  readonly firstUser: number;
  readonly room: string;
  readonly secret: string;
  readonly ports: readonly number[];
  /** Connections being opened at any time, at the start. */
  readonly inFlight: number;
}

export interface ReturnersAccount {
  /** Never shown, of all clients. */
  readonly lost: number;
  /** Shown although an earlier one was missing. */
  readonly disordered: number;
  /** Came again and were skipped by their offset. */
  readonly repeats: number;
  readonly unrecovered: number;
  /** Handshakes answered 503, and those that failed otherwise. */
  readonly refused: number;
  readonly failed: number;
  /** Per client, ms without a connection since the mark. */
  readonly downMs: Float64Array;
  /** Per client, Unix ms. */
  readonly joinedMs: Float64Array;
  readonly latencies: Float64Array;
  readonly cpuMicros: number;
  /** Means of the last connect and its answer. */
  readonly helloBytes: number;
  readonly replyBytes: number;
}

export interface ReturnersCalls {
  readonly open: { args: ReturnersSetup; reply: null };
  /** Where clients go from now on; `firstMs` undefined = the reference client's pauses. */
  readonly aim: {
    args: { readonly ports: readonly number[]; readonly firstMs: number | undefined };
    reply: null;
  };
  /** All go there now, with a hand-over. Resolves when the last is there. */
  readonly move: { args: null; reply: null };
  readonly pause: { args: null; reply: null };
  readonly resume: { args: null; reply: null };
  readonly mark: { args: null; reply: null };
  /** Clients that are connected, and that have everything up to `top`. */
  readonly state: {
    args: { readonly top: number };
    reply: { readonly joined: number; readonly whole: number };
  };
  readonly account: { args: { readonly top: number }; reply: ReturnersAccount };
}

let clients: Returner[] = [];
let aim: { readonly ports: readonly number[]; readonly firstMs: number | undefined } = {
  ...{ ports: [], firstMs: undefined },
};
let cpu = process.cpuUsage();

async function open(setup: ReturnersSetup): Promise<null> {
  aim = { ports: setup.ports, firstMs: undefined };
  const { room, secret, firstUser } = setup;
  clients = Array.from({ length: setup.count }, (_, index) => {
    const at = firstUser + index;
    return new Returner({
      ...{ index, room, secret, user: String(at) },
      port: () => aim.ports[at % aim.ports.length] ?? 0,
      firstMs: () => aim.firstMs,
    });
  });
  const left = [...clients];
  const work = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await one.open();
  };
  await Promise.all(Array.from({ length: setup.inFlight }, work));
  return null;
}

const sum = (of: (client: Returner) => number): number =>
  clients.reduce((total, client) => total + of(client), 0);

serveParent<ReturnersCalls>({
  open,
  aim(next) {
    aim = next;
    return null;
  },
  async move() {
    const since = preciseNowMs();
    for (const client of clients) client.move();
    while (clients.some(({ joinedMs }) => joinedMs < since)) await delay(25);
    return null;
  },
  pause() {
    for (const client of clients) client.pause();
    return null;
  },
  resume() {
    for (const client of clients) client.resume();
    return null;
  },
  mark() {
    for (const client of clients) client.mark();
    cpu = process.cpuUsage();
    return null;
  },
  state: ({ top }) => ({
    joined: clients.filter((client) => client.isJoined).length,
    whole: clients.filter(({ last, missing }) => last >= top && missing.size === 0).length,
  }),
  account({ top }) {
    const used = process.cpuUsage(cpu);
    return {
      lost: sum(({ last, missing }) => Math.max(0, top - last) + missing.size),
      disordered: sum(({ jumps }) => jumps),
      repeats: sum(({ repeats }) => repeats),
      unrecovered: sum(({ unrecovered }) => unrecovered),
      refused: sum(({ refused }) => refused),
      failed: sum(({ failed }) => failed),
      downMs: Float64Array.from(clients, ({ downMs }) => downMs),
      joinedMs: Float64Array.from(clients, ({ joinedMs }) => joinedMs),
      latencies: Float64Array.from(clients.flatMap(({ latencies }) => latencies)),
      cpuMicros: used.user + used.system,
      helloBytes: Math.round(sum(({ helloBytes }) => helloBytes) / clients.length),
      replyBytes: Math.round(sum(({ replyBytes }) => replyBytes) / clients.length),
    };
  },
});
