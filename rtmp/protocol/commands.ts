// NetConnection and NetStream commands: a typed view of what a client asks, and builders for the
// answers. Everything from the peer is checked here, so the session never meets a value of the
// wrong type.
// Reference: Adobe RTMP 1.0, 7.2; Enhanced RTMP v2 for the connect capabilities.

import type { AmfObject, AmfValue } from './amf0.js';
import { decodeAmf0, EcmaArray, encodeAmf0, membersOf } from './amf0.js';
import type { RtmpMessage } from './message.js';
import { MSG_COMMAND_AMF0, MSG_COMMAND_AMF3, MSG_DATA_AMF0, MSG_DATA_AMF3 } from './message.js';
import { ProtocolError } from './protocol-error.js';

const TEXT_MAX = 1024;
const FOURCC_LIST_MAX = 32;

export interface ConnectRequest {
  readonly app: string;
  readonly tcUrl: string;
  readonly flashVer: string;
  readonly swfUrl: string;
  readonly pageUrl: string;
  readonly objectEncoding: number;
  /** Codecs an Enhanced RTMP client offers; empty for all others. */
  readonly fourCcList: readonly string[];
}

/** What a client may ask; `transactionId` is to be repeated in the answer. */
export type ClientCommand = { readonly transactionId: number; readonly streamId: number } & (
  | { readonly kind: 'connect'; readonly request: ConnectRequest }
  | { readonly kind: 'createStream' | 'closeStream' | 'checkBandwidth' }
  | {
      readonly kind:
        'releaseStream' | 'fcPublish' | 'fcUnpublish' | 'getStreamLength' | 'fcSubscribe';
      readonly name: string;
    }
  | { readonly kind: 'publish'; readonly name: string; readonly type: string }
  | {
      readonly kind: 'play';
      readonly name: string;
      readonly start: number;
      readonly duration: number;
      readonly reset: boolean;
    }
  | { readonly kind: 'deleteStream'; readonly target: number }
  | { readonly kind: 'pause'; readonly isPaused: boolean }
  | { readonly kind: 'reply'; readonly name: string; readonly values: readonly AmfValue[] }
  | { readonly kind: 'unknown'; readonly name: string }
);

/** A data message: `@setDataFrame` is taken off, so `name` is `onMetaData` for metadata. */
export interface DataMessage {
  readonly name: string;
  readonly values: readonly AmfValue[];
}

export type StatusLevel = 'status' | 'error';

/**
 * Reads a command message (AMF0, or AMF0 in the AMF3 wrapper).
 * @throws ProtocolError when it is not a command, or a member that the command needs is missing or
 * odd
 */
export function parseCommand(message: RtmpMessage): ClientCommand {
  const values = decodeAmf0(amf0Body(message));
  const [name, transaction, object, ...args] = values;
  if (typeof name !== 'string') throw malformed('a command without a name');
  const transactionId = typeof transaction === 'number' ? transaction : 0;
  const base = { transactionId, streamId: message.streamId };
  switch (name) {
    case 'connect':
      return { ...base, kind: 'connect', request: connectRequest(membersOf(object)) };
    case 'createStream':
    case 'closeStream':
      return { ...base, kind: name };
    case '_checkbw':
      return { ...base, kind: 'checkBandwidth' };
    case 'releaseStream':
    case 'getStreamLength':
      return { ...base, kind: name, name: optionalText(args[0]) };
    case 'FCPublish':
    case 'FCUnpublish':
    case 'FCSubscribe':
      return { ...base, kind: FC_KINDS[name], name: optionalText(args[0]) };
    case 'publish':
      return {
        ...base,
        kind: 'publish',
        // An encoder without a key is told so; nothing but a name is malformed.
        name: text(args[0] ?? '', 'the stream name of a publish is no text'),
        type: optionalText(args[1]) || 'live',
      };
    case 'play':
      return {
        ...base,
        kind: 'play',
        name: text(args[0], 'play needs a stream name'),
        start: integer(args[1], -2000),
        duration: integer(args[2], -1),
        reset: args[3] === true || args[3] === 1,
      };
    case 'deleteStream':
      return { ...base, kind: 'deleteStream', target: integer(args[0], 0) };
    case 'pause':
    case 'pauseRaw':
      return { ...base, kind: 'pause', isPaused: args[0] === true };
    case '_result':
    case '_error':
    case 'onStatus':
      return { ...base, kind: 'reply', name, values: [object, ...args] };
    default:
      return { ...base, kind: 'unknown', name: name.slice(0, 64) };
  }
}

const FC_KINDS = {
  FCPublish: 'fcPublish',
  FCUnpublish: 'fcUnpublish',
  FCSubscribe: 'fcSubscribe',
} as const;

/**
 * Reads a data message.
 * @throws ProtocolError when it has no name
 */
export function parseData(message: RtmpMessage): DataMessage {
  const [first, ...rest] = decodeAmf0(amf0Body(message));
  if (typeof first !== 'string') throw malformed('a data message without a name');
  if (first !== '@setDataFrame') return { name: first, values: rest };
  const [name, ...values] = rest;
  if (typeof name !== 'string') throw malformed('@setDataFrame without a name');
  return { name, values };
}

/** The script payload that players and FLV files want: without `@setDataFrame`. */
export function encodeData(data: DataMessage): Buffer {
  return encodeAmf0(data.name, ...data.values);
}

/** Body of an AMF message; the AMF3 forms carry AMF0 behind one format byte. */
function amf0Body(message: RtmpMessage): Buffer {
  const isWrapped = message.type === MSG_COMMAND_AMF3 || message.type === MSG_DATA_AMF3;
  return isWrapped ? message.payload.subarray(1) : message.payload;
}

function connectRequest(object: AmfObject | undefined): ConnectRequest {
  if (object === undefined) throw malformed('connect without an object');
  const { app, tcUrl, flashVer, swfUrl, pageUrl, objectEncoding, fourCcList } = object;
  const list = Array.isArray(fourCcList) ? (fourCcList as readonly AmfValue[]) : [];
  return {
    app: optionalText(app),
    tcUrl: optionalText(tcUrl),
    flashVer: optionalText(flashVer),
    swfUrl: optionalText(swfUrl),
    pageUrl: optionalText(pageUrl),
    objectEncoding: integer(objectEncoding, 0),
    fourCcList: list
      .slice(0, FOURCC_LIST_MAX)
      .filter((one): one is string => typeof one === 'string'),
  };
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('MESSAGE_MALFORMED', what);
}

function text(value: AmfValue, problem: string): string {
  if (typeof value !== 'string') throw malformed(problem);
  if (value.length > TEXT_MAX) throw malformed('a name is too long');
  return value;
}

function optionalText(value: AmfValue): string {
  return typeof value === 'string' ? value.slice(0, TEXT_MAX) : '';
}

function integer(value: AmfValue, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : fallback;
}

/** Any command as a message, `args` behind the command object. */
export function command(
  name: string,
  transactionId: number,
  options: { streamId?: number; object?: AmfValue; args?: readonly AmfValue[] } = {},
): RtmpMessage {
  const { streamId = 0, object = null, args = [] } = options;
  const payload = encodeAmf0(name, transactionId, object, ...args);
  return { type: MSG_COMMAND_AMF0, timestampMs: 0, streamId, payload };
}

export function result(transactionId: number, ...args: AmfValue[]): RtmpMessage {
  return command('_result', transactionId, { args });
}

/** Answer to connect. `description` is what encoders show. */
export function connectResult(options: {
  transactionId: number;
  isAccepted: boolean;
  code: string;
  description: string;
  objectEncoding: number;
}): RtmpMessage {
  const { isAccepted, code, description, objectEncoding } = options;
  const level: StatusLevel = isAccepted ? 'status' : 'error';
  return command(isAccepted ? '_result' : '_error', options.transactionId, {
    object: { fmsVer: 'FMS/3,0,1,123', capabilities: 31 },
    args: [{ level, code, description, objectEncoding }],
  });
}

/** NetStream status; `error` level makes encoders stop and show the description. */
export function onStatus(options: {
  streamId: number;
  level: StatusLevel;
  code: string;
  description: string;
}): RtmpMessage {
  const { streamId, level, code, description } = options;
  return command('onStatus', 0, { streamId, args: [{ level, code, description }] });
}

/** Makes players show pictures without waiting for audio; every server sends it before media. */
export function sampleAccess(streamId: number): RtmpMessage {
  const payload = encodeAmf0('|RtmpSampleAccess', true, true);
  return { type: MSG_DATA_AMF0, timestampMs: 0, streamId, payload };
}

/** Members of the first object in onMetaData. */
export function metadataMembers(data: DataMessage): AmfObject | undefined {
  if (data.name !== 'onMetaData') return undefined;
  const first = data.values.find((value) => value instanceof EcmaArray || membersOf(value));
  return membersOf(first);
}
