// Publishing: verdict of the hook before Publish.Start with the socket held back, then media into
// the stream. Invariant: every verdict that was an accept is followed by exactly one done, also
// when the claim was lost.

import { createHash } from 'node:crypto';
import type { ConnectionEnd } from './connection.js';
import type { HookVerdict } from './hooks.js';
import { languageOf, languageStreamId, splitStreamId } from './language.js';
import { DISK_FULL } from './live-stream.js';
import type { ClientCommand } from './protocol/commands.js';
import { streamBegin } from './protocol/control.js';
import {
  AUDIO_CODEC_AAC,
  AUDIO_CODEC_MP3,
  codecName,
  FLV_AUDIO,
  FLV_VIDEO,
  FlvTag,
  PLAY_STREAM_ID,
  VIDEO_CODEC_AVC,
} from './protocol/flv.js';
import {
  CSID_CONTROL,
  MSG_DATA_AMF0,
  MSG_DATA_AMF3,
  type RtmpMessage,
} from './protocol/message.js';
import type { PublishedStream } from './published-stream.js';
import type { Refusal, Role, SessionHost } from './session-context.js';
import { REPLACED } from './streams.js';

export interface PublishRequest {
  /** The stream key: never logged, never shown. */
  readonly name: string;
  readonly args: string;
  readonly type: string;
}

/** Temporary keys carry a signed token and are longer. */
const KEY = /^(?:[A-Za-z0-9_.~-]{1,128}|tk_[A-Za-z0-9_.~-]{1,1000})$/;
const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;
const STREAM_ID_LENGTH = 22;

/**
 * Asks whether the peer may publish; on a yes activates a PublishRole, else tells the peer why not.
 */
export async function authorisePublish(host: SessionHost, request: PublishRequest): Promise<void> {
  const { connection, context, hooks } = host;
  const { name, args, type } = request;
  if (!KEY.test(name)) {
    host.refuse({ code: 'RTMP_KEY_MISSING' });
    return;
  }
  const language = languageOf(args);
  if (language === 'wrong') {
    const reason = 'lang has to be a language tag such as de or pt-BR';
    host.refuse({ code: 'RTMP_PUBLISH_DENIED', reason });
    return;
  }
  const hash = createHash('sha256').update(name).digest('base64url');
  // A stream and each of its languages have a publisher each.
  const idFor = (id: string) => (language === undefined ? id : languageStreamId(id, language.tag));
  const keyHash = idFor(hash);
  const { flaps } = context;
  if (flaps.isOver(keyHash)) {
    host.refuse({ code: 'RTMP_FLAPPING', max: flaps.max });
    return;
  }
  const replaces = context.streams.liveSessionOf(keyHash);
  const claim = context.streams.claim(keyHash);
  if (claim === undefined) {
    host.refuse({ code: 'RTMP_ALREADY_PUBLISHING' });
    return;
  }
  const members = replaces === undefined ? { type } : { type, replaces };
  const verdict = await hooks.ask('publish', { name, args, members });
  const publicId = publicStreamId(verdict, hash);
  const streamId = publicId === undefined ? undefined : idFor(publicId);
  if (streamId === undefined || connection.isEnding) {
    context.streams.release(claim);
    hooks.done();
    host.refuse(refusalOf(verdict));
    return;
  }
  // Temporary keys are used once: there it is the stream that comes and goes.
  if (flaps.isOver(streamId)) {
    context.streams.release(claim);
    hooks.done();
    host.refuse({ code: 'RTMP_FLAPPING', max: flaps.max });
    return;
  }
  const refusal = await context.mayBegin(streamId, replaces === undefined);
  if (refusal !== undefined || host.connection.isEnding) {
    context.streams.release(claim);
    hooks.done();
    host.refuse(refusal ?? { code: 'RTMP_PUBLISH_UNDECIDED' });
    return;
  }
  // Nothing may be awaited from here to `activate`: a kick must find the role.
  const stream = context.streams.confirm(claim, {
    streamId,
    ...{ sessionId: host.id, client: hooks.client },
    isSameClock: language?.isSameClock === true,
    onKick: (reason) => role?.kick(reason),
  });
  const role = stream && new PublishRole(host, stream);
  if (role === undefined) {
    hooks.done();
    host.refuse({ code: 'RTMP_ALREADY_PUBLISHING' });
    return;
  }
  for (const id of new Set([keyHash, streamId])) flaps.note(id);
  host.activate(role);
  role.start();
}

function refusalOf(verdict: HookVerdict): Refusal {
  if (verdict.kind === 'deny') return { code: 'RTMP_PUBLISH_DENIED', reason: verdict.reason };
  return { code: 'RTMP_PUBLISH_UNDECIDED' };
}

/**
 * Id under which viewers know the stream: what the hook's Location says, else one made of the key
 * that does not lead back to it. Undefined when the hook did not accept, or named something that is
 * no id.
 */
function publicStreamId(verdict: HookVerdict, keyHash: string): string | undefined {
  if (verdict.kind === 'accept') return keyHash.slice(0, STREAM_ID_LENGTH);
  if (verdict.kind !== 'redirect' || !STREAM_ID.test(verdict.location)) return undefined;
  return verdict.location;
}

export class PublishRole implements Role {
  readonly kind = 'publish';
  readonly #host: SessionHost;
  #stream: PublishedStream;
  readonly #startedAtMs: number;
  #mediaAtMs: number;
  #isOver = false;

  constructor(host: SessionHost, stream: PublishedStream) {
    this.#host = host;
    this.#stream = stream;
    this.#startedAtMs = this.#mediaAtMs = host.context.clock.monotonicMs();
  }

  get streamId(): string {
    return this.#stream.streamId;
  }

  get stream(): PublishedStream {
    return this.#stream;
  }

  get timestampMs(): number {
    return this.#stream.lastTimestampMs;
  }

  get figures(): Readonly<Record<string, number>> {
    const { video, timestampJumps, bitrateBps } = this.#stream.info;
    return {
      width: video?.width ?? 0,
      height: video?.height ?? 0,
      fps: video?.fps ?? 0,
      keyFrameIntervalMs: video?.keyFrameIntervalMs ?? 0,
      timestampJumps,
      bitrateBps,
    };
  }

  /** Tells the peer to begin. */
  start(): void {
    const { connection, hooks, context } = this.#host;
    context.metrics.publishers.inc();
    connection.authorise('publisher');
    connection.send(CSID_CONTROL, streamBegin(PLAY_STREAM_ID));
    this.#host.notify('NetStream.Publish.Start', 'Publishing');
    this.#mediaAtMs = context.clock.monotonicMs();
    context.streams.announce(this.#stream);
    hooks.noteOwed(context.ledger, splitStreamId(this.streamId).streamId);
    hooks.startUpdates({
      timestampMs: () => this.#stream.lastTimestampMs,
      ended: (reason) => this.kick(reason),
    });
  }

  onMessage(message: RtmpMessage): void {
    const { type, payload } = message;
    if (type === MSG_DATA_AMF0 || type === MSG_DATA_AMF3) {
      this.#stream.pushData(message);
    } else if ((type === FLV_AUDIO || type === FLV_VIDEO) && payload.length > 0) {
      const tag = new FlvTag(type, message.timestampMs, payload);
      if (!isSupported(tag)) {
        this.#host.refuse({ code: 'RTMP_CODEC_UNSUPPORTED', codec: codecName(tag) });
        return;
      }
      this.#mediaAtMs = this.#host.context.clock.monotonicMs();
      this.#stream.pushMedia(tag);
    }
  }

  onBatchEnd(): void {
    this.#stream.flush();
  }

  onClose(_command: ClientCommand): void {
    this.#host.notify('NetStream.Unpublish.Success', 'Publishing ended');
    this.#host.end('unpublished');
  }

  tick(nowMs: number): void {
    const { idleTimeoutMs, durationMaxMs, bitrateMaxBps } = this.#host.context.options;
    if (nowMs - this.#mediaAtMs > idleTimeoutMs) {
      this.#host.refuse({ code: 'RTMP_KICKED', reason: 'no audio or video arrives' }, 'idle');
    } else if (durationMaxMs > 0 && nowMs - this.#startedAtMs > durationMaxMs) {
      this.#host.refuse({ code: 'RTMP_DURATION_EXCEEDED' }, 'duration');
    } else if (bitrateMaxBps > 0 && this.#stream.info.isAbove(bitrateMaxBps)) {
      this.#host.refuse({ code: 'RTMP_BITRATE_EXCEEDED', max: bitrateMaxBps }, 'bitrate');
    }
  }

  kick(reason: string): void {
    if (reason === REPLACED) this.#host.refuse({ code: 'RTMP_REPLACED' }, 'replaced');
    else if (reason === DISK_FULL) this.#host.refuse({ code: 'RTMP_DISK_FULL' }, 'kicked', reason);
    else this.#host.refuse({ code: 'RTMP_KICKED', reason }, 'kicked', reason);
  }

  /**
   * Goes on under another public id, without asking the hook again: the session stays the same and
   * is closed by its one done. False when somebody publishes under that id.
   */
  redirect(streamId: string): boolean {
    const isOwn = splitStreamId(this.streamId).tag === undefined;
    if (this.#isOver || !isOwn || !STREAM_ID.test(streamId)) return false;
    const { context, hooks, id: sessionId } = this.#host;
    const stream = context.streams.move(this.#stream, {
      ...{ streamId, sessionId, client: hooks.client },
      onKick: (reason) => this.kick(reason),
    });
    if (stream === undefined) return false;
    this.#stream = stream;
    hooks.noteOwed(context.ledger, streamId);
    return true;
  }

  finish(end: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { context, hooks } = this.#host;
    context.metrics.publishers.dec();
    context.streams.end(this.#stream, end.code);
    hooks.done();
  }
}

/** H.264 in its plain form, and AAC or MP3; Enhanced RTMP headers are not. */
function isSupported(tag: FlvTag): boolean {
  const first = tag.payload[0] ?? 0;
  if (tag.type === FLV_VIDEO) return (first & 0x8f) === VIDEO_CODEC_AVC;
  const codec = first >> 4;
  return codec === AUDIO_CODEC_AAC || codec === AUDIO_CODEC_MP3;
}
