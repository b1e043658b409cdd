// One RTMP session from accept to its access log line: which commands a client may give, and when.
// Invariants: media is taken only from an accepted publisher; one role per session; every end
// passes `#finish`.

import {
  type ConnectionEnd,
  type ConnectionHandler,
  type EndCode,
  RtmpConnection,
} from './connection.js';
import type { SessionStatistics } from './control/statistics.js';
import { rtmpError, rtmpErrors } from './errors.js';
import type { ByteSocket } from './loopback.js';
import { authorisePlay } from './play-role.js';
import * as commands from './protocol/commands.js';
import * as control from './protocol/control.js';
import { PLAY_CHUNK_SIZE, PLAY_STREAM_ID } from './protocol/flv.js';
import * as rtmp from './protocol/message.js';
import { ProtocolError } from './protocol/protocol-error.js';
import { RateMeter } from './rate-meter.js';
import { authorisePublish } from './publish-role.js';
import type { IngestContext, Refusal, Role, SessionHost } from './session-context.js';
import { SessionHooks } from './session-hooks.js';

export interface SessionOptions {
  readonly socket: ByteSocket;
  readonly address: string;
  readonly peerPort: number;
  readonly context: IngestContext;
  /** Number of the connection on this node since its start. */
  readonly clientId: number;
  readonly sessionId: string;
  readonly onClosed: (session: RtmpSession) => void;
}

type State = 'new' | 'connected' | 'deciding' | 'active' | 'over';

const WINDOW_BYTES = 5_000_000;
const CLOSE_COMMANDS = new Set(['fcUnpublish', 'deleteStream', 'closeStream']);

export class RtmpSession implements SessionHost, ConnectionHandler {
  readonly id: string;
  readonly clientId: number;
  readonly address: string;
  readonly peerPort: number;
  readonly context: IngestContext;
  readonly connection: RtmpConnection;
  readonly openedAtMs: number;
  readonly #onClosed: (session: RtmpSession) => void;
  #state: State = 'new';
  #role: Role | undefined;
  #app: { name: string; rest: string } = { name: '', rest: '' };
  #connect: commands.ConnectRequest | undefined;
  #hooks: SessionHooks | undefined;
  #refusedCode: string | undefined;
  readonly #rateIn: RateMeter;
  readonly #rateOut: RateMeter;

  constructor(options: SessionOptions) {
    const { context } = options;
    this.id = options.sessionId;
    this.clientId = options.clientId;
    this.address = options.address;
    this.peerPort = options.peerPort;
    this.context = context;
    this.#onClosed = options.onClosed;
    this.openedAtMs = context.clock.monotonicMs();
    this.#rateIn = new RateMeter(this.openedAtMs, context.options.rateWindowMs);
    this.#rateOut = new RateMeter(this.openedAtMs, context.options.rateWindowMs);
    this.connection = new RtmpConnection({
      socket: options.socket,
      limits: context.options,
      clock: context.clock,
      log: context.log,
      handler: this,
    });
  }

  /** What the session does; undefined until a hook has accepted it. */
  get role(): Role | undefined {
    return this.#role;
  }

  get app(): string {
    return this.#app.name;
  }

  get flashVer(): string {
    return this.#connect?.flashVer.slice(0, 64) ?? '';
  }

  get hooks(): SessionHooks {
    this.#hooks ??= this.#createHooks();
    return this.#hooks;
  }

  onMessage(message: rtmp.RtmpMessage): void {
    const { type } = message;
    if (type === rtmp.MSG_COMMAND_AMF0 || type === rtmp.MSG_COMMAND_AMF3) {
      this.#command(commands.parseCommand(message));
    } else if (this.#role !== undefined) {
      this.#role.onMessage(message);
    } else if (type === rtmp.MSG_AUDIO || type === rtmp.MSG_VIDEO) {
      if (this.#state === 'new') throw new ProtocolError('MESSAGE_MALFORMED', 'no connect before');
      this.refuse({ code: 'RTMP_NOT_PUBLISHING' });
    }
  }

  onBatchEnd(): void {
    this.#role?.onBatchEnd();
  }

  onClosed(end: ConnectionEnd): void {
    this.#finish(end);
    this.#logAccess(end);
    this.#onClosed(this);
  }

  tick(nowMs: number): void {
    this.connection.tick(nowMs);
    this.#rateIn.sample(nowMs, this.connection.bytesIn);
    this.#rateOut.sample(nowMs, this.connection.bytesOut);
    if (this.connection.isEnding) return;
    const { handshakeTimeoutMs, commandTimeoutMs } = this.context.options;
    const isWaiting = this.#state === 'new' || this.#state === 'connected';
    if (isWaiting && nowMs - this.openedAtMs > handshakeTimeoutMs + commandTimeoutMs) {
      this.connection.destroy('command-timeout');
    } else {
      this.#role?.tick(nowMs);
    }
  }

  /** Moves a player to another live stream of this node; false when that cannot be. */
  redirect(streamId: string): boolean {
    return this.#role?.redirect(streamId) ?? false;
  }

  statistics(nowMs: number): SessionStatistics {
    const { connection } = this;
    return {
      session: this.id,
      clientId: this.clientId,
      kind: this.#role?.kind ?? 'none',
      streamId: this.#role?.streamId ?? '',
      app: this.app,
      address: this.address,
      flashVer: this.flashVer,
      durationMs: Math.round(nowMs - this.openedAtMs),
      bytesIn: connection.bytesIn,
      bytesOut: connection.bytesOut,
      bpsIn: this.#rateIn.bps,
      bpsOut: this.#rateOut.bps,
      droppedTags: this.#role?.figures['droppedTags'] ?? 0,
      timestampMs: this.#role?.timestampMs ?? 0,
    };
  }

  /** Ends the session for good; the peer is told why. */
  kick(reason: string): void {
    if (this.#role === undefined) this.connection.destroy('kicked', reason);
    else this.#role.kick(reason);
  }

  /** The node stops. */
  stop(): void {
    if (this.#role === undefined) this.connection.destroy('stopping');
    else this.refuse({ code: 'RTMP_KICKED', reason: 'the server is restarting' }, 'stopping');
  }

  notify(code: string, description: string): void {
    this.#status('status', code, description);
  }

  end(code: EndCode, detail?: string): void {
    this.#finish(detail === undefined ? { code } : { code, detail });
    this.connection.end(code, detail);
  }

  activate(role: Role): void {
    this.#role = role;
    this.#state = 'active';
  }

  refuse(refusal: Refusal, endCode: EndCode = 'refused', detail?: string): void {
    if (this.connection.isEnding) {
      // Its socket may still be closing; whoever kicks relies on the role being let go at once.
      this.#finish({ code: endCode });
      return;
    }
    const { code, ...details } = refusal;
    this.#refusedCode = code;
    this.context.metrics.refusals.inc({ code });
    this.#status('error', rtmpErrors[code].status, rtmpError(code, details).message);
    this.end(endCode, detail ?? code);
  }

  #command(command: commands.ClientCommand): void {
    const { kind, transactionId } = command;
    if (this.#state === 'new' && kind !== 'connect') {
      throw new ProtocolError('MESSAGE_MALFORMED', 'no connect before');
    }
    switch (kind) {
      case 'connect':
        this.#onConnect(transactionId, command.request);
        break;
      case 'createStream':
        // One stream per connection, so players can share buffers that name it.
        this.#send(commands.result(transactionId, PLAY_STREAM_ID));
        break;
      case 'releaseStream':
      case 'fcPublish':
      case 'fcSubscribe':
      case 'checkBandwidth':
        this.#send(commands.result(transactionId, undefined));
        break;
      case 'getStreamLength':
        this.#send(commands.result(transactionId, 0));
        break;
      case 'publish':
      case 'play':
        this.#begin(command);
        break;
      default:
        if (CLOSE_COMMANDS.has(kind)) this.#role?.onClose(command);
    }
  }

  #onConnect(transactionId: number, request: commands.ConnectRequest): void {
    if (this.#state !== 'new') throw new ProtocolError('MESSAGE_MALFORMED', 'a second connect');
    this.#connect = request;
    this.#app = splitApp(request.app);
    const { publishApp, playApp, hasConnectHook } = this.context.options;
    if (this.#app.name !== publishApp && this.#app.name !== playApp) {
      this.#refuseConnect(transactionId, { code: 'RTMP_APP_UNKNOWN' });
    } else if (hasConnectHook) {
      this.#decide(this.#askConnect(transactionId));
    } else {
      this.#acceptConnect(transactionId);
    }
  }

  async #askConnect(transactionId: number): Promise<void> {
    const verdict = await this.hooks.connect();
    if (this.connection.isEnding) return;
    if (verdict.kind === 'accept' || verdict.kind === 'redirect') {
      this.#acceptConnect(transactionId);
    } else {
      const reason = verdict.kind === 'deny' ? verdict.reason : 'it cannot be checked now';
      this.#refuseConnect(transactionId, { code: 'RTMP_CONNECT_REFUSED', reason });
    }
  }

  #acceptConnect(transactionId: number): void {
    this.#state = 'connected';
    for (const message of [
      control.windowAckSize(WINDOW_BYTES),
      control.setPeerBandwidth(WINDOW_BYTES),
      control.setChunkSize(PLAY_CHUNK_SIZE),
    ]) {
      this.connection.send(rtmp.CSID_CONTROL, message);
    }
    this.#answerConnect(transactionId, true, 'NetConnection.Connect.Success', 'Connected');
  }

  #refuseConnect(transactionId: number, refusal: Refusal): void {
    const { code, ...details } = refusal;
    this.#refusedCode = code;
    this.context.metrics.refusals.inc({ code });
    const { status } = rtmpErrors[code];
    this.#answerConnect(transactionId, false, status, rtmpError(code, details).message);
    this.end('refused', code);
  }

  #answerConnect(
    transactionId: number,
    isAccepted: boolean,
    code: string,
    description: string,
  ): void {
    const objectEncoding = 0;
    this.#send(
      commands.connectResult({ transactionId, isAccepted, code, description, objectEncoding }),
    );
  }

  #begin(command: commands.ClientCommand & { kind: 'publish' | 'play' }): void {
    if (this.#state !== 'connected') {
      throw new ProtocolError('MESSAGE_MALFORMED', `${command.kind} out of turn`);
    }
    const { publishApp, playApp } = this.context.options;
    const isAppRight = this.#app.name === (command.kind === 'publish' ? publishApp : playApp);
    if (!isAppRight) {
      this.refuse({ code: 'RTMP_APP_UNKNOWN' });
      return;
    }
    if (!this.context.rules[command.kind].allows(this.address)) {
      const code = command.kind === 'publish' ? 'RTMP_PUBLISH_DENIED' : 'RTMP_PLAY_DENIED';
      this.refuse({ code, reason: 'not from this address' });
      return;
    }
    const [name, args] = splitName(command.name || this.#app.rest);
    this.#decide(
      command.kind === 'publish'
        ? authorisePublish(this, { name, args, type: command.type })
        : authorisePlay(this, { ...command, name, args }),
    );
  }

  /** Holds the peer back until a decision is made; whatever fails ends this session only. */
  #decide(decision: Promise<void>): void {
    this.#state = 'deciding';
    this.connection.pauseInput();
    decision
      .then(() => this.connection.resumeInput())
      .catch((thrown: unknown) => {
        this.context.log.error({ event: 'rtmp.session.fault', session: this.id, err: thrown });
        this.connection.destroy('fault');
      });
  }

  #status(level: commands.StatusLevel, code: string, description: string): void {
    this.#send(commands.onStatus({ streamId: PLAY_STREAM_ID, level, code, description }));
  }

  #send(message: rtmp.RtmpMessage): void {
    this.connection.send(rtmp.CSID_COMMAND, message);
  }

  #finish(end: ConnectionEnd): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#role?.finish(end);
  }

  #createHooks(): SessionHooks {
    const { context, clientId, address } = this;
    const request = this.#connect;
    const { hooks, doneQueue, clock, log, options } = context;
    return new SessionHooks(
      {
        app: this.#app.name,
        flashver: request?.flashVer ?? '',
        swfurl: request?.swfUrl ?? '',
        tcurl: request?.tcUrl ?? '',
        pageurl: request?.pageUrl ?? '',
        addr: address,
        clientid: clientId,
      },
      {
        hooks,
        doneQueue,
        clock,
        log,
        nodeId: options.nodeId,
        sessionId: this.id,
        updateIntervalMs: options.updateIntervalMs,
        updateFailuresMax: options.updateFailuresMax,
      },
    );
  }

  #logAccess(end: ConnectionEnd): void {
    const { context, connection } = this;
    const { metrics, clock, log } = context;
    const kind = this.#role?.kind ?? 'none';
    metrics.sessions.inc({ kind, end: end.code });
    metrics.receivedBytes.inc(connection.bytesIn);
    metrics.sentBytes.inc(connection.bytesOut);
    log.info({
      event: 'rtmp.session.closed',
      session: this.id,
      kind,
      stream: this.#role?.streamId,
      address: this.address,
      peerPort: this.peerPort,
      app: this.app,
      flashVer: this.flashVer,
      bytesIn: connection.bytesIn,
      bytesOut: connection.bytesOut,
      durationMs: Math.round(clock.monotonicMs() - this.openedAtMs),
      end: end.code,
      detail: end.detail,
      refused: this.#refusedCode,
      ...this.#role?.figures,
    });
  }
}

/** `publish/key?x=1` arrives from encoders without a separate field for the key. */
function splitApp(app: string): { name: string; rest: string } {
  const [path, query] = splitName(app.replace(/^\/+/, ''));
  const slash = path.indexOf('/');
  if (slash < 0) return { name: path, rest: '' };
  const rest = path.slice(slash + 1).replace(/\/+$/, '');
  return { name: path.slice(0, slash), rest: query === '' ? rest : `${rest}?${query}` };
}

/** Name and raw query arguments. */
function splitName(name: string): [name: string, args: string] {
  const mark = name.indexOf('?');
  return mark < 0 ? [name, ''] : [name.slice(0, mark), name.slice(mark + 1)];
}
