// A crowd of reference clients in the bench's own process, one room, each with its own account of
// what it was shown: what is missing, double or out of order. For scenarios that ask what clients
// see under faults, not what servers cost.
import { WebSocket } from 'ws';
import { createTokenService } from '../../../cluster/index.js';
import { RealtimeClient, type WebSocketLike } from '../../../gateway/client/index.js';
import type { RunScope } from '../../lib/teardown.js';
import { preciseNowMs } from '../../lib/open-loop.js';
import { BENCH_SECRET } from '../../servers/gateway-worker.js';

export interface CrowdOptions {
  readonly count: number;
  readonly room: string;
  readonly urls: readonly string[];
  /** Told apart from the users of other crowds. */
  readonly firstUser?: number;
}

/** What the whole crowd was shown. */
export interface CrowdAccount {
  /** Messages that were published and never shown, summed over the clients. */
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** Holes that a client was told to give up. */
  readonly givenUp: number;
  /** Message due → shown, ms, of all clients. */
  readonly latencies: readonly number[];
}

const FIRST_USER = 2_000_000;

class Member {
  readonly latencies: number[] = [];
  readonly seen: number[] = [];
  givenUp = 0;
  isReady = false;
  /** Until when the network of this client is gone. */
  offlineUntilMs = 0;
  socket: WebSocket | undefined;
  client: RealtimeClient | undefined;
}

export class Crowd {
  private constructor(private readonly members: readonly Member[]) {}

  /** Resolves when all are in the room. Closed by teardown. */
  static async open(scope: RunScope, options: CrowdOptions): Promise<Crowd> {
    const members = Array.from({ length: options.count }, (_, at) => join(scope, options, at));
    for (const member of members) {
      await waitFor(() => member.isReady, 'a client could not enter the room');
    }
    return new Crowd(members);
  }

  get size(): number {
    return this.members.length;
  }

  /** Destroys a client's connection; no new one opens for `offlineMs`, then it is told so. */
  cut(at: number, offlineMs: number): void {
    const member = this.members[at % this.members.length];
    if (member === undefined) return;
    member.offlineUntilMs = performance.now() + offlineMs;
    member.socket?.terminate();
    // Browsers say when the network is back.
    setTimeout(() => member.client?.wake(), offlineMs + 20).unref();
  }

  /** Waits until everybody has been shown message `last`, then adds up. */
  async account(last: number, deadlineMs: number): Promise<CrowdAccount> {
    const end = performance.now() + deadlineMs;
    const isWhole = (): boolean => this.members.every(({ seen }) => seen.at(-1) === last);
    while (!isWhole() && performance.now() < end) await pause(20);
    const total = { lost: 0, doubled: 0, disordered: 0, givenUp: 0 };
    for (const { seen, givenUp } of this.members) {
      const unique = new Set(seen);
      total.lost += last - unique.size;
      total.doubled += seen.length - unique.size;
      total.disordered += seen.filter((n, at) => n <= (seen[at - 1] ?? 0)).length;
      total.givenUp += givenUp;
    }
    return { ...total, latencies: this.members.flatMap(({ latencies }) => latencies) };
  }
}

function join(
  scope: RunScope,
  { room, urls, firstUser = FIRST_USER }: CrowdOptions,
  at: number,
): Member {
  const tokens = createTokenService(BENCH_SECRET);
  const sub = String(firstUser + at);
  const member = new Member();
  const token = tokens.sign('connect', { sub, name: `reader-${at}`, role: 'viewer' }, 3_600);
  // Spread evenly; a client's own list of addresses begins with its home.
  const ranked = [...urls.slice(at % urls.length), ...urls.slice(0, at % urls.length)];
  const client = new RealtimeClient({
    credentials: () => Promise.resolve({ token, urls: ranked }),
    WebSocket: networkOf(member),
  });
  member.client = client;
  scope.teardown(() => client.close());
  let tickets = 0;
  const ticket = (): string => {
    tickets += 1;
    const jti = `${at}-${tickets}`;
    return tokens.sign('room', { sub, room, level: 'participant', jti }, 30);
  };
  client.subscribe(
    `room:${room}`,
    { ticket },
    {
      onMessage({ kind, body }) {
        if (kind !== 't') return;
        const [due = '0', n = '0'] = String(body['text']).split(' ');
        member.seen.push(Number(n));
        member.latencies.push(preciseNowMs() - Number(due));
      },
      onReady: () => (member.isReady = true),
      onLost: () => (member.givenUp += 1),
    },
  );
  client.connect();
  return member;
}

/** A WebSocket whose network can be gone: connections fail at once while it is. */
function networkOf(member: Member): new (url: string, protocols: string[]) => WebSocketLike {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      const isOffline = performance.now() < member.offlineUntilMs;
      super(isOffline ? 'ws://127.0.0.1:1/' : url, protocols);
      if (!isOffline) member.socket = this;
    }
  };
}

const OPEN_MS = 30_000;

async function waitFor(isThere: () => boolean, problem: string): Promise<void> {
  const end = performance.now() + OPEN_MS;
  while (!isThere()) {
    if (performance.now() > end) throw new Error(problem);
    await pause(10);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
