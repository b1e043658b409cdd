// Protocol control and user control messages: builders for what a server or client sends, a parser
// for what arrives. Chunk size and abort act inside the chunk reader and do not come by here.
// Reference: Adobe RTMP 1.0, 5.4 and 7.1.7.

import type { RtmpMessage } from './message.js';
import {
  MSG_ACKNOWLEDGEMENT,
  MSG_SET_CHUNK_SIZE,
  MSG_SET_PEER_BANDWIDTH,
  MSG_USER_CONTROL,
  MSG_WINDOW_ACK_SIZE,
} from './message.js';
import { ProtocolError } from './protocol-error.js';

const EVENT_STREAM_BEGIN = 0;
const EVENT_STREAM_EOF = 1;
const EVENT_SET_BUFFER_LENGTH = 3;
const EVENT_PING_REQUEST = 6;
const EVENT_PING_RESPONSE = 7;
const BANDWIDTH_DYNAMIC = 2;

export type ControlEvent =
  | { readonly kind: 'acknowledgement'; readonly bytes: number }
  | { readonly kind: 'windowAckSize'; readonly bytes: number }
  | { readonly kind: 'streamBegin' | 'streamEof'; readonly streamId: number }
  | { readonly kind: 'bufferLength'; readonly streamId: number; readonly ms: number }
  | { readonly kind: 'pingRequest' | 'pingResponse'; readonly timestampMs: number }
  | { readonly kind: 'ignored' };

export function setChunkSize(bytes: number): RtmpMessage {
  return control(MSG_SET_CHUNK_SIZE, uint32(bytes));
}

/** Total bytes received so far, modulo 2^32. */
export function acknowledgement(bytesReceived: number): RtmpMessage {
  return control(MSG_ACKNOWLEDGEMENT, uint32(bytesReceived));
}

export function windowAckSize(bytes: number): RtmpMessage {
  return control(MSG_WINDOW_ACK_SIZE, uint32(bytes));
}

export function setPeerBandwidth(bytes: number): RtmpMessage {
  return control(
    MSG_SET_PEER_BANDWIDTH,
    Buffer.concat([uint32(bytes), Buffer.from([BANDWIDTH_DYNAMIC])]),
  );
}

export function streamBegin(streamId: number): RtmpMessage {
  return userControl(EVENT_STREAM_BEGIN, streamId);
}

export function streamEof(streamId: number): RtmpMessage {
  return userControl(EVENT_STREAM_EOF, streamId);
}

export function setBufferLength(streamId: number, ms: number): RtmpMessage {
  return userControl(EVENT_SET_BUFFER_LENGTH, streamId, ms);
}

export function pingRequest(timestampMs: number): RtmpMessage {
  return userControl(EVENT_PING_REQUEST, timestampMs);
}

export function pingResponse(timestampMs: number): RtmpMessage {
  return userControl(EVENT_PING_RESPONSE, timestampMs);
}

/**
 * Meaning of a message of type 3 to 6; unknown user control events are `ignored` as the standard
 * wants.
 * @throws ProtocolError MESSAGE_MALFORMED when it is shorter than its fields
 */
export function parseControl(message: RtmpMessage): ControlEvent {
  const { type, payload } = message;
  if (type === MSG_ACKNOWLEDGEMENT) return { kind: 'acknowledgement', bytes: field(payload, 0) };
  if (type === MSG_WINDOW_ACK_SIZE) return { kind: 'windowAckSize', bytes: field(payload, 0) };
  if (type !== MSG_USER_CONTROL) return { kind: 'ignored' };
  if (payload.length < 2) throw new ProtocolError('MESSAGE_MALFORMED', 'empty user control');
  switch (payload.readUInt16BE(0)) {
    case EVENT_STREAM_BEGIN:
      return { kind: 'streamBegin', streamId: field(payload, 2) };
    case EVENT_STREAM_EOF:
      return { kind: 'streamEof', streamId: field(payload, 2) };
    case EVENT_SET_BUFFER_LENGTH:
      return { kind: 'bufferLength', streamId: field(payload, 2), ms: field(payload, 6) };
    case EVENT_PING_REQUEST:
      return { kind: 'pingRequest', timestampMs: field(payload, 2) };
    case EVENT_PING_RESPONSE:
      return { kind: 'pingResponse', timestampMs: field(payload, 2) };
    default:
      return { kind: 'ignored' };
  }
}

function field(payload: Buffer, at: number): number {
  if (payload.length < at + 4) {
    throw new ProtocolError('MESSAGE_MALFORMED', 'control message is truncated');
  }
  return payload.readUInt32BE(at);
}

function uint32(value: number): Buffer {
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(value >>> 0, 0);
  return out;
}

function control(type: number, payload: Buffer): RtmpMessage {
  return { type, timestampMs: 0, streamId: 0, payload };
}

function userControl(event: number, ...fields: number[]): RtmpMessage {
  const head = Buffer.from([event >> 8, event & 0xff]);
  return control(MSG_USER_CONTROL, Buffer.concat([head, ...fields.map(uint32)]));
}
