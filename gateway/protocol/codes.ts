// Machine-readable reasons of rt1: one table of command errors, one of close codes. A test keeps
// docs/protocol.md equal to both. Clients obey the range of a close code and need not know each
// code.

/** What a client should do after an error. `retry` = the same command may succeed later. */
export interface ErrorCodeRow {
  readonly retry: boolean;
  readonly message: string;
}

export const errorCodes = {
  bad_frame: { retry: false, message: 'The frame is not a valid batch.' },
  bad_command: { retry: false, message: 'A field is missing or has the wrong type.' },
  unknown_command: { retry: false, message: 'This server does not know the command.' },
  too_many_commands: { retry: false, message: 'Too many commands in one frame.' },
  not_connected: { retry: false, message: 'The first command must be connect.' },
  already_connected: { retry: false, message: 'This connection has already connected.' },
  bad_token: { retry: false, message: 'The connect token is not valid.' },
  token_expired: { retry: false, message: 'The token has expired; get a new one.' },
  bad_ticket: { retry: false, message: 'The room ticket is not valid for this user and room.' },
  ticket_expired: { retry: false, message: 'The room ticket has expired; enter the room again.' },
  ticket_used: { retry: false, message: 'The room ticket was used before; enter the room again.' },
  unknown_channel: { retry: false, message: 'There is no such channel.' },
  forbidden: { retry: false, message: 'Your access level does not allow this.' },
  not_subscribed: { retry: false, message: 'Subscribe to the channel first.' },
  too_many_channels: { retry: false, message: 'Too many channels on one connection.' },
  text_too_long: { retry: false, message: 'The text is empty or too long.' },
  rate_limited: { retry: true, message: 'Too many messages; wait.' },
  temporary: { retry: true, message: 'Not available right now; try again with the same mid.' },
  banned: { retry: false, message: 'You are banned from this room.' },
  muted: { retry: true, message: 'You are muted in this room.' },
  slow_mode: { retry: true, message: 'The room is in slow mode.' },
  duplicate_text: { retry: false, message: 'You have just said the same.' },
  links_blocked: { retry: false, message: 'Links are not allowed in this room.' },
  word_blocked: {
    retry: false,
    message: 'The text contains a word that this room does not allow.',
  },
  emote_only: { retry: false, message: 'Only emotes are allowed in this room now.' },
  followers_only: { retry: false, message: 'Only followers may chat now.' },
  fans_only: { retry: false, message: 'Only the fan club may chat now.' },
  tippers_only: { retry: false, message: 'Only those who have tipped may chat now.' },
  members_only: { retry: false, message: 'Only members may chat now.' },
  room_locked: { retry: false, message: 'Chat is locked.' },
  room_private: { retry: false, message: 'The room is private.' },
  room_offline: { retry: false, message: 'The room is offline: only those in charge may write.' },
  anons_refused: { retry: false, message: 'Only those who have logged in may enter this room.' },
  review_full: { retry: true, message: 'Too many messages wait for a moderator; try later.' },
  not_found: { retry: false, message: 'There is no such message or user here.' },
  internal: { retry: true, message: 'The server failed; try again.' },
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof errorCodes;

/** Who sees a close code with `4000 ≤ code < 4100` must not reconnect by itself. */
export const closeCodes = {
  bad_token: { code: 4001, message: 'The connect token is not valid.' },
  banned: { code: 4003, message: 'The account may not connect.' },
  too_many_connections: { code: 4004, message: 'Too many connections of this account.' },
  bad_frames: { code: 4005, message: 'Repeated invalid frames.' },
  server_error: { code: 4100, message: 'The server failed.' },
  connect_deadline: { code: 4102, message: 'No valid connect in time.' },
  slow_reader: { code: 4108, message: 'The client reads too slowly; resume from its positions.' },
  rate: { code: 4113, message: 'Too many commands.' },
  overloaded: { code: 4129, message: 'The server is overloaded.' },
  draining: { code: 4200, message: 'The server is going away; reconnect to another.' },
  token_expired: { code: 4201, message: 'The connect token has expired; bring a new one.' },
  moved: { code: 4210, message: 'Another server is better for this user.' },
  state_invalid: { code: 4214, message: 'The state of this connection is no longer valid.' },
} as const satisfies Record<string, { code: number; message: string }>;

export type CloseReason = keyof typeof closeCodes;

/** What the range of a close code tells a client to do. */
export type CloseAdvice = 'stop' | 'back-off' | 'at-once';

/**
 * 40xx: do not reconnect. 42xx: reconnect at once (with jitter). 41xx and every other code, among
 * them 1006 (link lost): reconnect with growing, jittered pauses.
 */
export function adviseOnClose(code: number): CloseAdvice {
  if (code >= 4000 && code < 4100) return 'stop';
  return code >= 4200 && code < 4300 ? 'at-once' : 'back-off';
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorCodes, value);
}
