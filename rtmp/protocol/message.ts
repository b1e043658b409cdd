// RTMP messages and their type numbers; what the chunk reader gives and the chunk writer takes.
// Reference: Adobe RTMP 1.0, 5.4 and 7.1.

export const MSG_SET_CHUNK_SIZE = 1;
export const MSG_ABORT = 2;
export const MSG_ACKNOWLEDGEMENT = 3;
export const MSG_USER_CONTROL = 4;
export const MSG_WINDOW_ACK_SIZE = 5;
export const MSG_SET_PEER_BANDWIDTH = 6;
export const MSG_AUDIO = 8;
export const MSG_VIDEO = 9;
export const MSG_DATA_AMF3 = 15;
export const MSG_COMMAND_AMF3 = 17;
export const MSG_DATA_AMF0 = 18;
export const MSG_COMMAND_AMF0 = 20;
export const MSG_AGGREGATE = 22;

/** Chunk streams we write on; readers must not give them a meaning. */
export const CSID_CONTROL = 2;
export const CSID_COMMAND = 3;
export const CSID_AUDIO = 4;
export const CSID_DATA = 5;
export const CSID_VIDEO = 6;

export interface RtmpMessage {
  readonly type: number;
  /** Absolute, unsigned 32 bit, ms. */
  readonly timestampMs: number;
  /** Message stream id: 0 for the connection, else what createStream gave. */
  readonly streamId: number;
  readonly payload: Buffer;
}
