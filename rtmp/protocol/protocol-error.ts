// The one error of this package: the peer broke the protocol or a limit. Whoever reads from the
// peer closes the connection on it; any other exception out of this package is a bug.

export type ProtocolErrorCode =
  | 'HANDSHAKE_VERSION'
  | 'CHUNK_SIZE_INVALID'
  | 'CHUNK_STREAMS_MAX'
  | 'CHUNK_NO_HEADER'
  | 'CHUNK_HEADER_INSIDE_MESSAGE'
  | 'MESSAGE_TOO_LONG'
  | 'MESSAGE_MALFORMED'
  | 'AMF_MALFORMED'
  | 'AMF_LIMIT'
  | 'AMF_TYPE';

export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
