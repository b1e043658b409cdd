// The gateway's faults as coded errors for callers inside the backend. What clients see is the
// table in protocol/codes.ts.
import { defineErrors } from '../cluster/index.js';

export const gatewayErrors = {
  GATEWAY_CHANNEL_INVALID: {
    http: 400,
    retry: false,
    message: '"{channel}" is no channel; use lobby, room:<id> or user:<id>.',
  },
  GATEWAY_PUBLISH_REFUSED: {
    http: 409,
    retry: false,
    message: 'The message was refused: {reason}.',
  },
  GATEWAY_ACT_INVALID: {
    http: 400,
    retry: false,
    message: 'This is no valid act of moderation: {reason}',
  },
  GATEWAY_ACT_FORBIDDEN: {
    http: 403,
    retry: false,
    message: 'Nobody can moderate themselves.',
  },
  GATEWAY_NOT_FOUND: {
    http: 404,
    retry: false,
    message: 'There is no such message or restriction in this room, or it is gone by now.',
  },
  GATEWAY_BAD_REQUEST: {
    http: 400,
    retry: false,
    message: 'The call does not fit its schema: {problem}.',
  },
  GATEWAY_NO_SUCH_CALL: {
    http: 404,
    retry: false,
    message: 'The gateway has no call {method} {path}; see "Server API" in gateway/README.md.',
  },
  GATEWAY_BODY_TOO_LARGE: {
    http: 413,
    retry: false,
    message: 'A call has at most 1 MiB; send several batches.',
  },
  GATEWAY_REDIS_AWAY: {
    http: 503,
    retry: true,
    message:
      'The realtime Redis does not answer; check REALTIME_REDIS_URL and publish again with the same mid.',
  },
} as const;

export const gatewayError = defineErrors(gatewayErrors);
