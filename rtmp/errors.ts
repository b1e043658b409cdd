// Error table of the media tier. `status` is what an RTMP client is told (NetConnection/NetStream
// code); the message is its description, which OBS and ffmpeg show to the person in front of them.

import { defineErrors, type ErrorRow } from '../cluster/index.js';

export interface RtmpErrorRow extends ErrorRow {
  readonly status: string;
}

export const rtmpErrors = {
  RTMP_APP_UNKNOWN: {
    http: 404,
    retry: false,
    status: 'NetConnection.Connect.InvalidApp',
    message: 'Publish to rtmp://host/publish with the stream key, play from rtmp://host/play',
  },
  RTMP_CONNECT_REFUSED: {
    http: 403,
    retry: false,
    status: 'NetConnection.Connect.Rejected',
    message: 'Connection refused: {reason}',
  },
  RTMP_KEY_MISSING: {
    http: 400,
    retry: false,
    status: 'NetStream.Publish.BadName',
    message: 'The stream key is missing or has characters that no key has',
  },
  RTMP_NOT_PUBLISHING: {
    http: 409,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'Audio and video are taken after publish only: send the stream key first',
  },
  RTMP_PUBLISH_DENIED: {
    http: 403,
    retry: false,
    status: 'NetStream.Publish.Denied',
    message: 'Publishing refused: {reason}',
  },
  RTMP_PUBLISH_UNDECIDED: {
    http: 503,
    retry: true,
    status: 'NetStream.Publish.Rejected',
    message: 'The stream key cannot be checked at the moment, try again',
  },
  RTMP_ALREADY_PUBLISHING: {
    http: 409,
    retry: true,
    status: 'NetStream.Publish.BadName',
    message: 'This stream is being published already',
  },
  RTMP_FLAPPING: {
    http: 429,
    retry: true,
    status: 'NetStream.Publish.Rejected',
    message:
      'The encoder connected {max} times within a minute: check its network and wait a minute',
  },
  RTMP_OVERLOADED: {
    http: 503,
    retry: true,
    status: 'NetStream.Publish.Rejected',
    message: 'This server has too much to do for another broadcast: try again in a minute',
  },
  RTMP_LANGUAGE_REFUSED: {
    http: 409,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'This language cannot be offered: {reason}',
  },
  RTMP_REPLACED: {
    http: 409,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'A newer connection with the same stream key took over',
  },
  RTMP_KICKED: {
    http: 403,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'Ended by the server: {reason}',
  },
  RTMP_DISK_FULL: {
    http: 507,
    retry: true,
    status: 'NetStream.Publish.Rejected',
    message: 'The disk of this server is full (RTMP_DISK_FULL): tell the operator, try again later',
  },
  RTMP_BITRATE_EXCEEDED: {
    http: 413,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'More than {max} bit/s were sent: lower the bit rate of the encoder',
  },
  RTMP_DURATION_EXCEEDED: {
    http: 403,
    retry: true,
    status: 'NetStream.Publish.Rejected',
    message: 'The longest allowed broadcast has been reached: start a new one',
  },
  RTMP_CODEC_UNSUPPORTED: {
    http: 415,
    retry: false,
    status: 'NetStream.Publish.Rejected',
    message: 'Codec {codec} is not supported: use H.264 video with AAC or MP3 audio',
  },
  RTMP_PLAY_DENIED: {
    http: 403,
    retry: false,
    status: 'NetStream.Play.Failed',
    message: 'Playing refused: {reason}',
  },
  RTMP_PLAY_UNDECIDED: {
    http: 503,
    retry: true,
    status: 'NetStream.Play.Failed',
    message: 'Access cannot be checked at the moment, try again',
  },
  RTMP_STREAM_NOT_FOUND: {
    http: 404,
    retry: true,
    status: 'NetStream.Play.StreamNotFound',
    message: 'This stream is not live',
  },
  RTMP_PLAY_ENDED: {
    http: 403,
    retry: false,
    status: 'NetStream.Play.Failed',
    message: 'Ended by the server: {reason}',
  },
} as const satisfies Readonly<Record<string, RtmpErrorRow>>;

export type RtmpErrorCode = keyof typeof rtmpErrors;

/** Makes an error of this folder's table. */
export const rtmpError = defineErrors(rtmpErrors);

/** Why a browser may not publish, or not go on; the code stands in the message that refuses it. */
export const publishErrors = {
  PUBLISH_HELLO: {
    http: 400,
    retry: false,
    message: 'The first message must be JSON with token and mime (video/webm or video/mp4)',
  },
  PUBLISH_TICKET: {
    http: 401,
    retry: false,
    message: 'The publish ticket is {reason}: ask for a new one',
  },
  PUBLISH_CAPACITY: {
    http: 503,
    retry: true,
    message: 'This server cannot encode another stream at the moment: use a broadcast program',
  },
  PUBLISH_REFUSED: { http: 403, retry: false, message: '{reason}' },
  PUBLISH_MEDIA: {
    http: 415,
    retry: true,
    message: 'What the browser sent cannot be decoded: start again, or use another browser',
  },
  PUBLISH_SLOW: { http: 503, retry: true, message: 'This server cannot keep up: start again' },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** Makes an error of the table of publishing from the browser. */
export const publishError = defineErrors(publishErrors);

/** Error table of the control server; the codes stand in the JSON body of the answer. */
export const controlErrors = {
  CONTROL_FAILED: { http: 500, retry: true, message: 'The order failed: see the log' },
  CONTROL_RECORD: {
    http: 400,
    retry: false,
    message: 'POST …/record/start or stop, kind one of {kinds}',
  },
  CONTROL_UNANSWERED: {
    http: 504,
    retry: true,
    message: 'Not known to be done: no answer came from {nodes}. What is asked for may be theirs',
  },
  CONTROL_UNKNOWN: { http: 404, retry: false, message: 'No such control address' },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** Makes an error of the control table. */
export const controlError = defineErrors(controlErrors);

/** Error table of the HLS server; the codes stand in the JSON body of the answer. */
export const hlsErrors = {
  HLS_NOT_FOUND: { http: 404, retry: false, message: 'No such playlist or segment' },
  HLS_NOT_LIVE: { http: 404, retry: true, message: 'This stream is not live' },
  HLS_METHOD: { http: 405, retry: false, message: 'Only GET, HEAD and OPTIONS are answered' },
  HLS_PATH_FORGED: {
    http: 403,
    retry: false,
    message: 'The address is not signed by this site: enter the room again',
  },
  HLS_PATH_EXPIRED: {
    http: 403,
    retry: false,
    message: 'The address has expired: take it from the newest playlist or enter the room again',
  },
  HLS_NOT_ALLOWED: { http: 403, retry: false, message: 'This session may not watch: {reason}' },
  HLS_UNDECIDED: {
    http: 503,
    retry: true,
    message: 'It cannot be checked at the moment whether this session may watch, try again',
  },
  HLS_QUERY: {
    http: 400,
    retry: false,
    message: '_HLS_msn and _HLS_part must be numbers, at most two segments ahead',
  },
  HLS_BUSY: { http: 503, retry: true, message: 'Too many requests wait for this stream already' },
  HLS_RANGE: { http: 416, retry: false, message: 'The file is shorter than the range asked for' },
  HLS_FAILED: { http: 500, retry: true, message: 'The server failed, try again' },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** Makes an error of the HLS table. */
export const hlsError = defineErrors(hlsErrors);
