// The RTMP server of a node: listens, admits connections within limits, ticks them, and stops them
// in order. Used by main.ts. Owns every session of the node, and ends none of them because of
// another.

import { once } from 'node:events';
import { type AddressInfo, type BlockList, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import {
  type Clock,
  coerceError,
  type Logger,
  readProxyHeader,
  systemClock,
} from '../cluster/index.js';
import { AddressRules, contains, networks, plainAddress } from './address-rules.js';
import { type Selection, selectSessions } from './control/selection.js';
import type { NodeStatistics, SessionStatistics } from './control/statistics.js';
import { type DoneLedger, NO_LEDGER, type OwedEvents } from './done-ledger.js';
import { DoneQueue } from './done-queue.js';
import { FlapLimit } from './flap-limit.js';
import { HookClient } from './hooks.js';
import type { IngestOptions } from './ingest-options.js';
import { splitStreamId } from './language.js';
import type { LiveStreamListener } from './live-stream.js';
import type { ByteSocket } from './loopback.js';
import type { IngestMetrics } from './metrics.js';
import type { HookTarget } from './ports.js';
import type { PublishedStream } from './published-stream.js';
import { RtmpSession } from './session.js';
import type { IngestContext, MayBegin } from './session-context.js';
import { readShared } from './shared-read.js';
import { StreamTable } from './streams.js';

export interface RtmpServerOptions {
  readonly options: IngestOptions;
  readonly hookTarget: HookTarget;
  readonly listener: LiveStreamListener;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly clock?: Clock;
  /** What stands against a publish that the hook has accepted; default: nothing. */
  readonly mayBegin?: MayBegin;
  /** The paid session in the arguments of a play; default: none is paid. */
  readonly billOf?: (args: string) => string | undefined;
  /** Default: what a dead node owes is lost. */
  readonly ledger?: DoneLedger;
}

const TICK_MS = 250;
const FLAP_WINDOW_MS = 60_000;
const DONE_RETRY_MS = 500;
const DONE_RETRY_MS_MAX = 30_000;
const DONE_SESSIONS_MAX = 10_000;

export class RtmpServer {
  readonly #context: IngestContext;
  readonly #listeners: { readonly server: Server; readonly port: number }[];
  readonly #proxies: BlockList;
  readonly #sessions = new Set<RtmpSession>();
  readonly #perAddress = new Map<string, number>();
  /** Part of every session id, so that ids never repeat over restarts. */
  readonly #boot: string;
  #clientCount = 0;
  #ticker: NodeJS.Timeout | undefined;
  #isDraining = false;
  #closedBytesIn = 0;
  #closedBytesOut = 0;
  #onEmpty: () => void = () => undefined;
  readonly #startedAtMs: number;

  constructor(server: RtmpServerOptions) {
    const { options, metrics, log, clock = systemClock, ledger = NO_LEDGER } = server;
    const hooks = new HookClient({
      target: server.hookTarget,
      timeoutMs: options.hookTimeoutMs,
      metrics,
    });
    const doneQueue = new DoneQueue({
      ledger,
      hooks,
      log,
      metrics,
      retryMs: DONE_RETRY_MS,
      retryMsMax: DONE_RETRY_MS_MAX,
      sessionsMax: DONE_SESSIONS_MAX,
    });
    const streams = new StreamTable({
      policy: options.publishPolicy,
      gopLimits: options.gopLimits,
      rateWindowMs: options.rateWindowMs,
      playerGraceMs: options.playerGraceMs,
      clock,
      listener: server.listener,
    });
    const rules = {
      publish: new AddressRules(options.publishAddresses),
      play: new AddressRules(options.playAddresses),
    };
    const flaps = new FlapLimit({ max: options.flapsMax, windowMs: FLAP_WINDOW_MS }, clock);
    const parts = { options, clock, log, metrics, hooks, doneQueue, ledger };
    const mayBegin = server.mayBegin ?? (() => undefined);
    const billOf = server.billOf ?? (() => undefined);
    this.#context = { ...parts, streams, flaps, rules, mayBegin, billOf };
    this.#proxies = networks(options.proxies);
    this.#startedAtMs = clock.monotonicMs();
    this.#boot = clock.nowMs().toString(36);
    this.#listeners = [{ server: this.#listener(undefined), port: options.port }];
    if (options.tls !== undefined) {
      const { port, cert, key } = options.tls;
      const server = this.#listener(createSecureContext({ cert, key }));
      this.#listeners.push({ server, port });
    }
  }

  /** The port that is listened on; differs from the setting when that was 0. */
  get port(): number {
    return portOf(this.#listeners[0]?.server);
  }

  /** The port of RTMPS; 0 when there is none. */
  get tlsPort(): number {
    return portOf(this.#listeners[1]?.server);
  }

  get sessions(): ReadonlySet<RtmpSession> {
    return this.#sessions;
  }

  /** Live streams of this node. */
  streams(): PublishedStream[] {
    return this.#context.streams.list();
  }

  find(streamId: string): PublishedStream | undefined {
    return this.#context.streams.find(streamId);
  }

  async start(): Promise<void> {
    const { host } = this.#context.options;
    for (const { server, port } of this.#listeners) {
      server.listen(port, host);
      await once(server, 'listening');
    }
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Sessions with a role that the selection means. */
  select(selection: Selection): RtmpSession[] {
    return selectSessions(this.#sessions, selection);
  }

  statistics(): NodeStatistics {
    const { clock, options, streams } = this.#context;
    const nowMs = clock.monotonicMs();
    const sessions = [...this.#sessions].map((one) => one.statistics(nowMs));
    const sum = (pick: (one: SessionStatistics) => number) =>
      sessions.reduce((total, one) => total + pick(one), 0);
    return {
      nodeId: options.nodeId,
      uptimeMs: Math.round(nowMs - this.#startedAtMs),
      acceptedConnections: this.#clientCount,
      bytesIn: this.#closedBytesIn + sum((one) => one.bytesIn),
      bytesOut: this.#closedBytesOut + sum((one) => one.bytesOut),
      streams: streams.list().map((stream) => ({
        streamId: stream.streamId,
        session: stream.sessionId,
        app: options.publishApp,
        startedAtMs: stream.startedAtMs,
        durationMs: clock.nowMs() - stream.startedAtMs,
        encoder: stream.info.encoder ?? '',
        video: stream.info.video,
        audio: stream.info.audio,
        bitrateBps: stream.info.bitrateBps,
        timestampJumps: stream.info.timestampJumps,
        players: streams.playerCount(stream.streamId),
      })),
      sessions,
    };
  }

  /** Takes no new connections; sessions go on until they end or `stop` ends them. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Drops a stream's publishers, of languages too, for good; false when none is live here. */
  kickStream(streamId: string, reason: string): boolean {
    const all = this.#context.streams.list();
    const meant = all.filter((one) => splitStreamId(one.streamId).streamId === streamId);
    for (const stream of meant) stream.kick(reason);
    return meant.length > 0;
  }

  /** Ends every play that a paid session pays for. @returns how many there were */
  cutPlays(bill: string, reason: string): number {
    const meant = [...this.#sessions].filter(({ role }) => role?.bill === bill);
    for (const session of meant) session.kick(reason);
    return meant.length;
  }

  /**
   * Sends done events of sessions whose node is gone, those of a former life of this one included.
   */
  settle(owed: readonly OwedEvents[]): void {
    for (const { session, requests } of owed) {
      this.#context.doneQueue.push({ session, requests, after: Promise.resolve() });
    }
  }

  /** Ends all sessions, and waits a moment for their done events. */
  async stop(): Promise<void> {
    const { doneQueue, hooks, ledger, options } = this.#context;
    clearInterval(this.#ticker);
    this.#isDraining = true;
    const listening = this.#listeners.filter(({ server }) => server.listening);
    const closed = Promise.all(listening.map(({ server }) => once(server, 'close')));
    for (const { server } of listening) server.close();
    const gone = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    if (this.#sessions.size === 0) this.#onEmpty();
    for (const session of [...this.#sessions]) session.stop();
    await Promise.all([closed, gone]);
    await doneQueue.flush(options.doneFlushMs);
    doneQueue.close();
    await Promise.race([ledger.flush(), delay(options.doneFlushMs, undefined, { ref: false })]);
    hooks.close();
  }

  #listener(secureContext: SecureContext | undefined): Server {
    return createServer({ noDelay: true }, (socket) => this.#receive(socket, secureContext));
  }

  /**
   * A session on a byte stream that this server has not accepted itself; undefined when there is no
   * room for it.
   */
  open(socket: ByteSocket, from: { address: string; port: number }): RtmpSession | undefined {
    return this.#admit(socket, from.address, from.port);
  }

  /** Name of the application to publish to. */
  get publishApp(): string {
    return this.#context.options.publishApp;
  }

  /** Finds out whom a connection comes from, then unwraps TLS, then opens a session. */
  #receive(socket: Socket, secureContext: SecureContext | undefined): void {
    const { options, log } = this.#context;
    const address = plainAddress(socket.remoteAddress);
    // A socket without a listener for errors would end the process.
    socket.on('error', () => undefined);
    const open = (from: string, port: number): void => {
      const stream = secureContext && new TLSSocket(socket, { isServer: true, secureContext });
      this.#admit(stream ?? socket, from, port);
    };
    if (!contains(this.#proxies, address)) {
      const port = socket.remotePort ?? 0;
      if (secureContext === undefined) this.#admit(readShared(socket), address, port);
      else open(address, port);
      return;
    }
    readProxyHeader(socket, options.handshakeTimeoutMs).then(
      (source) => open(source?.address ?? address, source?.port ?? socket.remotePort ?? 0),
      (thrown: unknown) => {
        log.warn({ event: 'rtmp.proxy.refused', address, reason: coerceError(thrown).message });
        socket.destroy();
      },
    );
  }

  #admit(socket: ByteSocket, address: string, peerPort: number): RtmpSession | undefined {
    const { options, log, metrics } = this.#context;
    const fromAddress = this.#perAddress.get(address) ?? 0;
    if (
      address === '' ||
      this.#isDraining ||
      this.#sessions.size >= options.connectionsMax ||
      fromAddress >= options.connectionsPerAddressMax
    ) {
      log.warn({ event: 'rtmp.connection.refused', address, open: this.#sessions.size });
      socket.on('error', () => undefined);
      socket.destroy();
      return undefined;
    }
    this.#perAddress.set(address, fromAddress + 1);
    const clientId = ++this.#clientCount;
    const session = new RtmpSession({
      socket,
      address,
      peerPort,
      context: this.#context,
      clientId,
      sessionId: `${options.nodeId}-${this.#boot}-${clientId}`,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#sessions.add(session);
    metrics.connections.set(this.#sessions.size);
    return session;
  }

  #forget(session: RtmpSession): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#onEmpty();
    this.#closedBytesIn += session.connection.bytesIn;
    this.#closedBytesOut += session.connection.bytesOut;
    this.#context.metrics.connections.set(this.#sessions.size);
    const left = (this.#perAddress.get(session.address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(session.address, left);
    else this.#perAddress.delete(session.address);
  }

  #tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const session of this.#sessions) session.tick(nowMs);
  }
}

function portOf(server: Server | undefined): number {
  return (server?.address() as AddressInfo | null | undefined)?.port ?? 0;
}
