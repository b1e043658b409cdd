// One browser that publishes over WebSocket: hello, verdict, media through an encoder into an RTMP
// session of this node, health, end. The session brings the rules (hooks, one publisher, limits,
// kick, done); nothing of them is repeated here.
// Invariants: no media before the verdict; what waits in memory is bounded, because the socket is
// not read meanwhile; after the end there is no encoder, no session and no timer.
import type { WebSocket } from 'ws';
import { type AppError, AppError as Known, coerceError, type Logger } from '../../cluster/index.js';
import type { TokenService } from '../../cluster/index.js';
import { RtmpClient, RtmpStatusError } from '../client.js';
import { publishError, type publishErrors } from '../errors.js';
import type { CpuBudget, Reservation } from '../ffmpeg/cpu-budget.js';
import { encodingCost } from '../ffmpeg/plan.js';
import { createLoopback } from '../loopback.js';
import type { RtmpServer } from '../server.js';
import type { RtmpSession } from '../session.js';
import { healthOf } from '../stream-health.js';
import { BrowserEncoder, browserEncoding } from './browser-encoder.js';
import { type BrowserHello, parseHello } from './browser-hello.js';

export interface BrowserDeps {
  readonly server: RtmpServer;
  readonly tokens: TokenService;
  readonly budget: CpuBudget;
  readonly segmentSec: number;
  readonly log: Logger;
}

/** Who the browser is, for address rules, hooks and the access log. */
export interface BrowserPeer {
  readonly address: string;
  readonly port: number;
  readonly agent: string;
  readonly origin: string;
}

type PublishCode = keyof typeof publishErrors;

const HELLO_MS = 5_000;
const HEALTH_MS = 2_000;
const PING_MS = 10_000;
/** Without a pong, or without the encoder taking a byte. */
const SILENCE_MS = 30_000;
const STALL_MS = 10_000;
/** Close codes by which a page says that it is done; anything else is a lost link. */
const GOODBYES = new Set([1000, 1005]);

export class BrowserPublisher {
  readonly #socket: WebSocket;
  readonly #peer: BrowserPeer;
  readonly #deps: BrowserDeps;
  readonly #timers: NodeJS.Timeout[] = [];
  #phase: 'greeting' | 'asking' | 'live' | 'over' = 'greeting';
  /** Parsed already when the socket was paused. */
  #early: Buffer[] = [];
  #client: RtmpClient | undefined;
  #session: RtmpSession | undefined;
  #encoder: BrowserEncoder | undefined;
  #reservation: Reservation | undefined;
  #heardAtMs = performance.now();
  #stalledAtMs: number | undefined;

  constructor(socket: WebSocket, peer: BrowserPeer, deps: BrowserDeps) {
    this.#socket = socket;
    this.#peer = peer;
    this.#deps = deps;
    this.#timers.push(setTimeout(() => this.#late(), HELLO_MS));
    this.#timers.push(setInterval(() => this.#ping(), PING_MS));
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('pong', () => (this.#heardAtMs = performance.now()));
    // A message that is too long, or not UTF-8; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', (code) => void this.#finish({ isGoodbye: GOODBYES.has(code) }));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#heardAtMs = performance.now();
    if (this.#phase === 'greeting') {
      const hello = isBinary ? undefined : parseHello(data);
      if (hello === undefined) this.#refuse(publishError('PUBLISH_HELLO'));
      else void this.#ask(hello);
    } else if (!isBinary) {
      // Nothing else is said in text; a later page may know more than this node.
    } else if (this.#phase === 'asking') {
      this.#early.push(data);
    } else if (this.#phase === 'live') {
      this.#feed(data);
    }
  }

  async #ask(hello: BrowserHello): Promise<void> {
    this.#phase = 'asking';
    this.#socket.pause();
    try {
      await this.#open(hello);
    } catch (thrown) {
      this.#refuse(thrown instanceof Known ? (thrown as AppError<PublishCode>) : asRefusal(thrown));
    } finally {
      this.#socket.resume();
    }
  }

  /** @throws AppError of the publish table, or what the session answered */
  async #open({ token, media }: BrowserHello): Promise<void> {
    const { tokens, server, budget, segmentSec } = this.#deps;
    const verdict = tokens.verify('publish', token);
    if (!verdict.ok) throw publishError('PUBLISH_TICKET', { reason: verdict.reason });
    const costPercent = encodingCost(browserEncoding(media));
    if (costPercent > budget.freePercent) throw publishError('PUBLISH_CAPACITY');
    this.#reservation = budget.reserve(costPercent);
    const [near, far] = createLoopback();
    this.#session = server.open(far, this.#peer);
    if (this.#session === undefined) throw publishError('PUBLISH_CAPACITY');
    const { agent, origin: pageUrl } = this.#peer;
    const client = await RtmpClient.open({
      ...{ host: 'browser', port: 0, app: server.publishApp, socket: near, pageUrl },
      flashVer: `browser ${agent}`,
    });
    this.#client = client;
    await client.publish(`tk_${token}`);
    if (this.#hasEnded()) return;
    let reason = '';
    client.onStatus = (_, description) => (reason = description);
    void client.closed.then(() => this.#end(reason));
    this.#phase = 'live';
    const encoder = new BrowserEncoder({
      ...{ media, segmentSec, onTag: (tag) => client.sendTag(tag) },
      onDrain: () => this.#unstall(),
    });
    this.#encoder = encoder;
    client.socket.on('drain', () => encoder.resume());
    void encoder.exited.then(() => this.#encoderGone());
    this.#tell({ state: 'live' });
    this.#timers.push(setInterval(() => this.#health(), HEALTH_MS));
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#feed(bytes);
  }

  #hasEnded(): boolean {
    return this.#phase === 'over';
  }

  #feed(bytes: Buffer): void {
    if (this.#encoder?.write(bytes) !== false) return;
    this.#stalledAtMs ??= performance.now();
    this.#socket.pause();
  }

  #unstall(): void {
    this.#stalledAtMs = undefined;
    this.#socket.resume();
  }

  #health(): void {
    const info = this.#deps.server.find(this.#session?.role?.streamId ?? '')?.info;
    if (info === undefined) return;
    const health = healthOf(info);
    const droppedFrames = health.droppedFrames + (this.#encoder?.droppedFrames ?? 0);
    this.#tell({ state: 'health', ...health, droppedFrames });
    const isStuck =
      this.#stalledAtMs !== undefined && performance.now() - this.#stalledAtMs > STALL_MS;
    if (isStuck) this.#end(publishError('PUBLISH_SLOW').message);
  }

  #ping(): void {
    // A socket that is not read cannot bring a pong.
    if (this.#socket.isPaused) return;
    if (performance.now() - this.#heardAtMs > SILENCE_MS) this.#socket.terminate();
    else this.#socket.ping();
  }

  #late(): void {
    if (this.#phase === 'greeting') this.#refuse(publishError('PUBLISH_HELLO'));
  }

  #encoderGone(): void {
    if (this.#phase !== 'live') return;
    const { log } = this.#deps;
    log.warn({ event: 'browser.media_broken', tail: this.#encoder?.complaints });
    this.#end(publishError('PUBLISH_MEDIA').message);
  }

  #refuse(error: AppError<PublishCode>): void {
    if (this.#phase === 'over') return;
    const { code, message: reason } = error;
    this.#deps.log.info({ event: 'browser.refused', code, address: this.#peer.address });
    this.#tell({ state: 'refused', code, reason });
    this.#close(error.retry ? 1013 : 1008, false);
  }

  /** The publish is over, and the browser is told why. */
  #end(reason: string): void {
    if (this.#phase === 'over') return;
    this.#tell({ state: 'ended', reason });
    this.#close(1000, true);
  }

  #close(code: number, isGoodbye: boolean): void {
    // A peer that was held back must be read again, or its answer to the close is never seen.
    this.#socket.resume();
    this.#socket.close(code);
    void this.#finish({ isGoodbye });
  }

  #tell(message: object): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Lets go of everything. A page that is done has its last pictures published first. */
  async #finish({ isGoodbye }: { readonly isGoodbye: boolean }): Promise<void> {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    for (const timer of this.#timers) clearTimeout(timer);
    this.#early = [];
    this.#encoder?.resume();
    await this.#encoder?.stop();
    this.#reservation?.release();
    const client = this.#client;
    if (client === undefined) this.#session?.connection.destroy('peer-closed');
    else if (isGoodbye) client.unpublish('');
    else client.socket.destroy();
  }
}

function asRefusal(thrown: unknown): AppError<PublishCode> {
  const reason = thrown instanceof RtmpStatusError ? thrown.message : coerceError(thrown).message;
  return publishError('PUBLISH_REFUSED', { reason });
}
