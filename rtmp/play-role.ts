// Playing: verdict of the hook, then the stream's burst and batches through a Player.

import type { ConnectionEnd } from './connection.js';
import { Player } from './player.js';
import { type ClientCommand, sampleAccess } from './protocol/commands.js';
import { streamBegin, streamEof } from './protocol/control.js';
import { PLAY_STREAM_ID } from './protocol/flv.js';
import { CSID_CONTROL, CSID_DATA } from './protocol/message.js';
import type { Role, SessionHost } from './session-context.js';

export interface PlayRequest {
  /** Public stream id. */
  readonly name: string;
  /** `token=…` and whatever else the client appended. */
  readonly args: string;
  readonly start: number;
  readonly duration: number;
  readonly reset: boolean;
}

const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Asks whether the peer may play; on a yes activates a PlayRole, else tells the peer why not. */
export async function authorisePlay(host: SessionHost, request: PlayRequest): Promise<void> {
  const { connection, context, hooks } = host;
  const { name, args, start, duration, reset } = request;
  if (!STREAM_ID.test(name)) {
    host.refuse({ code: 'RTMP_STREAM_NOT_FOUND' });
    return;
  }
  const verdict = await hooks.ask('play', {
    name,
    args,
    // Unsigned as nginx-rtmp sends them: -2000 arrives as 4294965296.
    members: { start: start >>> 0, duration: duration >>> 0, reset: reset ? 1 : 0 },
  });
  if (verdict.kind === 'deny' || verdict.kind === 'failed') {
    if (verdict.kind === 'deny') host.refuse({ code: 'RTMP_PLAY_DENIED', reason: verdict.reason });
    else host.refuse({ code: 'RTMP_PLAY_UNDECIDED' });
    return;
  }
  const streamId = verdict.kind === 'redirect' ? verdict.location : name;
  if (connection.isEnding || context.streams.find(streamId) === undefined) {
    hooks.done();
    host.refuse({ code: 'RTMP_STREAM_NOT_FOUND' });
    return;
  }
  const role = new PlayRole(host, { streamId, isReset: reset, bill: context.billOf(args) });
  host.activate(role);
  role.start();
}

interface PlayOptions {
  readonly streamId: string;
  readonly isReset: boolean;
  readonly bill: string | undefined;
}

export class PlayRole implements Role {
  readonly kind = 'play';
  readonly bill: string | undefined;
  #streamId: string;
  readonly #host: SessionHost;
  readonly #player: Player;
  readonly #isReset: boolean;
  #isOver = false;

  constructor(host: SessionHost, play: PlayOptions) {
    this.#host = host;
    this.#streamId = play.streamId;
    this.#isReset = play.isReset;
    this.bill = play.bill;
    const { context, connection } = host;
    this.#player = new Player({
      connection,
      clock: context.clock,
      metrics: context.metrics,
      queueBytesMax: context.options.playerQueueBytesMax,
      stallMs: context.options.playerStallMs,
      onStalled: () => connection.destroy('stalled'),
      onEnded: (reason) => this.#streamEnded(reason),
    });
  }

  get streamId(): string {
    return this.#streamId;
  }

  get timestampMs(): number {
    return this.#player.lastTimestampMs;
  }

  get figures(): Readonly<Record<string, number>> {
    return { droppedTags: this.#player.droppedTags };
  }

  start(): void {
    const { connection, context, hooks } = this.#host;
    context.metrics.players.inc();
    connection.authorise('player');
    connection.send(CSID_CONTROL, streamBegin(PLAY_STREAM_ID));
    if (this.#isReset) this.#host.notify('NetStream.Play.Reset', 'Resetting');
    this.#host.notify('NetStream.Play.Start', 'Playing');
    connection.send(CSID_DATA, sampleAccess(PLAY_STREAM_ID));
    const burst = context.streams.join(this.streamId, this.#player);
    if (burst !== undefined) this.#player.start(burst);
    hooks.noteOwed(context.ledger, this.streamId);
    hooks.startUpdates({
      timestampMs: () => this.#player.lastTimestampMs,
      ended: (reason) => this.kick(reason),
    });
  }

  /** A player has nothing to say that matters. */
  onMessage(): void {
    return;
  }

  onBatchEnd(): void {
    return;
  }

  onClose(_command: ClientCommand): void {
    this.#host.notify('NetStream.Play.Stop', 'Playing ended');
    this.#host.end('unpublished');
  }

  tick(): void {
    return;
  }

  kick(reason: string): void {
    this.#host.refuse({ code: 'RTMP_PLAY_ENDED', reason }, 'kicked', reason);
  }

  redirect(streamId: string): boolean {
    const { streams } = this.#host.context;
    if (this.#isOver || streams.find(streamId) === undefined) return false;
    streams.leave(this.#streamId, this.#player);
    this.#streamId = streamId;
    const burst = streams.join(streamId, this.#player);
    if (burst !== undefined) this.#player.start(burst);
    return true;
  }

  finish(_end: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { context, hooks } = this.#host;
    context.metrics.players.dec();
    context.streams.leave(this.streamId, this.#player);
    hooks.done();
  }

  #streamEnded(reason: string): void {
    this.#host.connection.send(CSID_CONTROL, streamEof(PLAY_STREAM_ID));
    this.#host.notify('NetStream.Play.UnpublishNotify', 'The broadcast has ended');
    this.#host.end('stream-ended', reason);
  }
}
