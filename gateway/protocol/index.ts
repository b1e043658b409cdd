// The wire protocol rt1, browser-safe: messages, codes, limits, codecs. Imported by the gateway, the
// client library, the site's pages and the benchmarks; docs/protocol.md describes it in words.
export {
  adviseOnClose,
  type CloseAdvice,
  closeCodes,
  type CloseReason,
  type ErrorCode,
  errorCodes,
} from './codes.js';
export {
  clientFrameLimits,
  type Codec,
  codecOf,
  type DecodeLimits,
  type DecodeResult,
  type Frame,
  jsonCodec,
  msgpackCodec,
  packValue,
  pickSubprotocol,
  type Subprotocol,
  subprotocols,
  unpackValues,
} from './codec.js';
export { type Fields, isCount, isFields, isPosition, isText } from './fields.js';
export { channelId, channelNamespace, isChannelName, limits } from './limits.js';
export type {
  AccessLevel,
  BeaconControl,
  Body,
  ClientCommand,
  CommandName,
  ConnectCommand,
  ConnectResult,
  Control,
  EmptyResult,
  ErrorReply,
  ErrorTuple,
  HistoryCommand,
  HistoryItem,
  HistoryResult,
  LatestPush,
  LeaveControl,
  MessageKind,
  ModerateCommand,
  ModerationAction,
  OkReply,
  Position,
  PresenceCommand,
  PresenceResult,
  PublishCommand,
  PublishResult,
  Push,
  ReadCommand,
  RefreshCommand,
  ReliablePush,
  ResetControl,
  Role,
  ServerMessage,
  SubscribeCommand,
  SubscribeFailure,
  SubscribeOutcome,
  SubscribeRequest,
  SubscribeResult,
  UnsubscribedControl,
  VolatilePush,
} from './messages.js';
export { messageKinds } from './messages.js';
export { parseCommand, type ParsedCommand } from './parse-command.js';
export {
  isAccessLevel,
  isRole,
  parseConnectResult,
  parsePublishResult,
  parseSubscribeOutcome,
} from './parse-result.js';
export { isPush, parseServerMessage } from './parse-server-message.js';
