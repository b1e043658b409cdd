// SRS has no periodic hook, so its list of clients is polled: every client that is in it proves
// that its paid session or its publisher is alive, and one that may not go on is kicked, again and
// again until it is gone. One billing process does it for all, the one that holds the lease.
// Invariant: an SRS that does not answer says nothing; it ends nobody.
import { setTimeout as delay } from 'node:timers/promises';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { coerceError, type Logger } from '../cluster/index.js';
import type { PollLease } from './poll-lease.js';
import type { Publishers } from './publishers.js';
import type { SrsClients } from './srs-clients.js';
import { srsSession } from './srs-hooks.js';
import { isFree, type TermsStore } from './terms.js';
import type { TouchQueue } from './touch-queue.js';

export interface SrsPollerOptions {
  /** `http://[user:password@]host:1985` of every SRS. */
  readonly urls: readonly string[];
  /** The interval of proofs of life; ms. */
  readonly intervalMs: number;
  readonly clients: SrsClients;
  readonly lease: Pick<PollLease, 'token' | 'start' | 'stop'>;
  readonly touches: Pick<TouchQueue, 'touch'>;
  readonly publishers: Pick<Publishers, 'touch' | 'isOver'>;
  readonly terms: Pick<TermsStore, 'byStream'>;
  readonly log: Logger;
}

const PAGE = 100;
/** More clients than one SRS serves; a list that never ends is not read for ever. */
const PAGES_MAX = 1_000;
const TIMEOUT_MS = 5_000;
const LEASE_LOOK_MS = 200;

const clientRow = Type.Object({
  id: Type.Union([Type.String(), Type.Integer()]),
  name: Type.String(),
  publish: Type.Boolean(),
});
const clientsReply = Type.Object({
  code: Type.Literal(0),
  server: Type.String(),
  clients: Type.Array(clientRow),
});
const validator = Compile(clientsReply);

interface Look {
  readonly strangers: ReadonlySet<string>;
  /** Of the lease under which it is made. */
  readonly token: number;
}

interface Client {
  readonly id: string;
  readonly stream: string;
  readonly isPublisher: boolean;
}

export class SrsPoller {
  private readonly stopping = new AbortController();
  private readonly away = new Set<string>();
  /** Players of paid streams without a session, seen once: their hook may be under way. */
  private strangers = new Set<string>();
  private running: Promise<void> | undefined;

  constructor(private readonly options: SrsPollerOptions) {}

  start(): void {
    if (this.options.urls.length === 0) return;
    this.options.lease.start();
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    if (this.options.urls.length > 0) await this.options.lease.stop();
  }

  /** One look at every SRS. @returns clients that were kicked */
  async poll(token: number): Promise<number> {
    const before = this.strangers;
    this.strangers = new Set();
    const kicked = await Promise.all(
      this.options.urls.map((url) => this.pollOne(url, { strangers: before, token })),
    );
    return kicked.reduce((sum, one) => sum + one, 0);
  }

  private async pollOne(url: string, { strangers, token }: Look): Promise<number> {
    const { log, clients, lease } = this.options;
    const host = new URL(url).host;
    try {
      const { server, list } = await this.list(url);
      // Another process has followed while SRS was slow: its look counts.
      if (lease.token !== token) return 0;
      if (this.away.delete(host)) log.info({ event: 'srs.back', host });
      const sessions = await clients.sessions(
        server,
        list.map(({ id }) => id),
      );
      const verdicts = await Promise.all(
        list.map((client, at) => this.mayStay(server, client, sessions[at], strangers)),
      );
      const unwanted = list.filter((_, at) => verdicts[at] === false);
      for (const { id } of unwanted) await this.kick(url, id);
      await clients.keepOnly(server, new Set(list.map(({ id }) => id)), token);
      return unwanted.length;
    } catch (thrown) {
      if (!this.away.has(host)) log.warn({ event: 'srs.away', host, err: coerceError(thrown) });
      this.away.add(host);
      return 0;
    }
  }

  private async mayStay(
    server: string,
    { id, stream, isPublisher }: Client,
    sessionId: string | undefined,
    strangers: ReadonlySet<string>,
  ): Promise<boolean> {
    const { touches, publishers, terms } = this.options;
    const { session, node } = srsSession(server, id);
    try {
      if (isPublisher) {
        const isOurs = await publishers.touch({ streamId: stream, session, node });
        return isOurs && !(await publishers.isOver(stream));
      }
      if (sessionId !== undefined) {
        const { verdict } = await touches.touch(sessionId, 'r');
        return verdict === 'ok' || verdict === 'warn';
      }
      const room = await terms.byStream(stream);
      if (room === undefined || isFree(room)) return true;
      this.strangers.add(session);
      return !strangers.has(session);
    } catch {
      // Redis or SQL is away: that is no reason to end anybody; the next look decides.
      return true;
    }
  }

  private async list(url: string): Promise<{ server: string; list: Client[] }> {
    const list: Client[] = [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const path = `/api/v1/clients?start=${page * PAGE}&count=${PAGE}`;
      const reply = await (await this.ask(url, path, 'GET')).json();
      if (!validator.Check(reply)) throw new Error('the answer is no list of clients');
      list.push(
        ...reply.clients.map(({ id, name, publish }) => ({
          ...{ id: String(id), stream: name, isPublisher: publish },
        })),
      );
      if (reply.clients.length < PAGE) return { server: reply.server, list };
    }
    throw new Error(`more than ${PAGES_MAX * PAGE} clients`);
  }

  private async kick(url: string, id: string): Promise<void> {
    const { log } = this.options;
    try {
      await this.ask(url, `/api/v1/clients/${encodeURIComponent(id)}`, 'DELETE');
    } catch (thrown) {
      log.warn({ event: 'srs.kick_failed', err: coerceError(thrown) });
    }
  }

  /** @throws Error when SRS does not answer with 200 in time */
  private async ask(url: string, path: string, method: 'GET' | 'DELETE'): Promise<Response> {
    const { username, password, origin } = new URL(url);
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    const response = await fetch(origin + path, {
      method,
      signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: username === '' ? {} : { authorization: `Basic ${login.toString('base64')}` },
    });
    if (!response.ok) throw new Error(`SRS answered ${response.status}`);
    return response;
  }

  private async loop(): Promise<void> {
    const { intervalMs, lease } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const { token } = lease;
      if (token !== undefined) await this.poll(token);
      const pauseMs = token === undefined ? Math.min(intervalMs, LEASE_LOOK_MS) : intervalMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
