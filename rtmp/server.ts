// The RTMP server of a node: listens, admits connections within limits, ticks them, and stops them in order.
// Used by main.ts. Owns every session of the node, and ends none of them because of another.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Clock, type Logger, systemClock } from '../cluster/index.js';
import { DoneQueue } from './done-queue.js';
import { HookClient } from './hooks.js';
import type { IngestOptions } from './ingest-options.js';
import type { LiveStreamListener } from './live-stream.js';
import type { IngestMetrics } from './metrics.js';
import type { HookTarget } from './ports.js';
import type { PublishedStream } from './published-stream.js';
import { RtmpSession } from './session.js';
import type { IngestContext } from './session-context.js';
import { StreamTable } from './streams.js';

export interface RtmpServerOptions {
  readonly options: IngestOptions;
  readonly hookTarget: HookTarget;
  readonly listener: LiveStreamListener;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly clock?: Clock;
}

const TICK_MS = 250;
const DONE_RETRY_MS = 500;
const DONE_RETRY_MS_MAX = 30_000;
const DONE_SESSIONS_MAX = 10_000;

export class RtmpServer {
  readonly #context: IngestContext;
  readonly #server: Server;
  readonly #sessions = new Set<RtmpSession>();
  readonly #perAddress = new Map<string, number>();
  /** Part of every session id, so that ids never repeat over restarts. */
  readonly #boot: string;
  #clientCount = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(server: RtmpServerOptions) {
    const { options, metrics, log, clock = systemClock } = server;
    const hooks = new HookClient({
      target: server.hookTarget,
      timeoutMs: options.hookTimeoutMs,
      metrics,
    });
    const doneQueue = new DoneQueue({
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
      playerGraceMs: options.playerGraceMs,
      clock,
      listener: server.listener,
    });
    this.#context = { options, clock, log, metrics, hooks, doneQueue, streams };
    this.#boot = clock.nowMs().toString(36);
    this.#server = createServer((socket) => this.#admit(socket));
  }

  /** The port that is listened on; differs from the setting when that was 0. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
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
    const { host, port } = this.#context.options;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Drops the publisher of a stream for good; false when it is not live here. */
  kickStream(streamId: string, reason: string): boolean {
    const stream = this.#context.streams.find(streamId);
    stream?.kick(reason);
    return stream !== undefined;
  }

  /** Ends all sessions, and waits a moment for their done events. */
  async stop(): Promise<void> {
    const { doneQueue, hooks, options } = this.#context;
    clearInterval(this.#ticker);
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve();
    this.#server.close();
    for (const session of [...this.#sessions]) session.stop();
    await closed;
    await doneQueue.flush(options.doneFlushMs);
    doneQueue.close();
    hooks.close();
  }

  #admit(socket: Socket): void {
    const { options, log, metrics } = this.#context;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    const fromAddress = this.#perAddress.get(address) ?? 0;
    if (
      address === '' ||
      this.#sessions.size >= options.connectionsMax ||
      fromAddress >= options.connectionsPerAddressMax
    ) {
      log.warn({ event: 'rtmp.connection.refused', address, open: this.#sessions.size });
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, fromAddress + 1);
    const clientId = ++this.#clientCount;
    const session = new RtmpSession({
      socket,
      address,
      peerPort: socket.remotePort ?? 0,
      context: this.#context,
      clientId,
      sessionId: `${options.nodeId}-${this.#boot}-${clientId}`,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#sessions.add(session);
    metrics.connections.set(this.#sessions.size);
  }

  #forget(session: RtmpSession): void {
    this.#sessions.delete(session);
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
