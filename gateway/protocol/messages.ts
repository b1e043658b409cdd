// Every message of rt1 as a type. A frame is a batch of these in both directions; maps carry
// commands, replies and control, arrays carry pushes. Unknown fields are ignored by both ends.
import type { ErrorCode } from './codes.js';

/** Where a reader stands in a reliable channel: it has everything up to and including `offset`. */
export type Position = readonly [epoch: string, offset: number];

/** Why a command failed: reason, sentence, and for `retry` reasons how long to wait in ms. */
export type ErrorTuple = readonly [code: ErrorCode, message: string, retryMs?: number];

export type Role = 'anon' | 'viewer' | 'model' | 'moderator' | 'admin';
export type AccessLevel = 'ghost' | 'view' | 'participant' | 'performer' | 'moderator' | 'admin';

/**
 * m chat · t tip · d delete · c clear · s settings · p pin · n notification · b balance · v viewers
 * · g goal · l leaderboard · x control · h held message · j join or leave · u unread counter
 * · o messages that only their senders and moderators see
 */
export const messageKinds = [
  'm', 't', 'd', 'c', 's', 'p', 'n', 'b', 'v', 'g', 'l', 'x', 'h', 'j', 'u', 'o',
] as const; // prettier-ignore
export type MessageKind = (typeof messageKinds)[number];

export type Body = Readonly<Record<string, unknown>>;

// ---- client to server ----

export interface SubscribeRequest {
  readonly ch: string;
  /** Room ticket or resume ticket; rooms need one. */
  readonly ticket?: string;
  /** Resume after this position; without it the last messages are sent. */
  readonly pos?: Position;
}

export interface ConnectCommand {
  readonly c: 'connect';
  readonly i: number;
  readonly token: string;
  /** Subscribed in the same round trip. */
  readonly subs?: readonly SubscribeRequest[];
}

export interface SubscribeCommand extends SubscribeRequest {
  readonly c: 'sub';
  readonly i: number;
}

export interface UnsubscribeCommand {
  readonly c: 'unsub';
  readonly i: number;
  readonly ch: string;
}

export interface PublishCommand {
  readonly c: 'pub';
  readonly i: number;
  readonly ch: string;
  /** Chosen by the client, unique per message; a repeat within 5 minutes is the same message. */
  readonly mid: string;
  readonly kind: 'm';
  /** `reply` is the offset of the message in the same channel that this one answers. */
  readonly body: { readonly text: string; readonly reply?: number };
}

export interface HistoryCommand {
  readonly c: 'hist';
  readonly i: number;
  readonly ch: string;
  /** Messages before this offset, newest page first; absent = the newest. */
  readonly before?: number;
  readonly limit?: number;
}

/** A new connect token on the open socket. */
export interface RefreshCommand {
  readonly c: 'refresh';
  readonly i: number;
  readonly token: string;
}

export interface PingCommand {
  readonly c: 'ping';
  readonly i: number;
}

export type ModerationAction =
  | 'ban' | 'unban' | 'mute' | 'unmute' | 'shadow' | 'unshadow' | 'delete' | 'clear-user'
  | 'clear-room' | 'settings' | 'pin' | 'unpin' | 'approve' | 'deny' | 'goal'; // prettier-ignore

/** Needs level performer, moderator or admin in the room. `mid` makes a repeat harmless. */
export interface ModerateCommand {
  readonly c: 'mod';
  readonly i: number;
  readonly ch: string;
  readonly mid: string;
  readonly action: ModerationAction;
  readonly user?: string;
  readonly offset?: number;
  readonly held?: string;
  /** Of a ban, mute or pin; absent = until lifted. */
  readonly seconds?: number;
  readonly reason?: string;
  /** settings: modes of the room; goal: `{ target, text? }`, in milli-credits, '0' = none. */
  readonly settings?: Body;
}

/** Messages that wait for a moderator's word; needs the same level as `mod`. */
export interface HeldCommand {
  readonly c: 'held';
  readonly i: number;
  readonly ch: string;
}

/** Marks notifications up to `upto` (an offset of the user channel) as read. */
export interface ReadCommand {
  readonly c: 'read';
  readonly i: number;
  readonly upto: number;
}

/** Who is in the room (a capped list). */
export interface PresenceCommand {
  readonly c: 'pres';
  readonly i: number;
  readonly ch: string;
}

export type ClientCommand =
  | ConnectCommand
  | SubscribeCommand
  | UnsubscribeCommand
  | PublishCommand
  | HistoryCommand
  | RefreshCommand
  | PingCommand
  | ModerateCommand
  | HeldCommand
  | ReadCommand
  | PresenceCommand;

export type CommandName = ClientCommand['c'];

// ---- server to client ----

export interface SubscribeResult {
  readonly ch: string;
  /** Alias: stands for the channel in pushes on this connection. */
  readonly a: number;
  readonly epoch: string;
  /** The first reliable push that follows has offset `from` + 1. */
  readonly from: number;
  /** Everything up to here follows at once; what comes later is live. */
  readonly top: number;
  /** True when `pos` was given and nothing is missing between it and what follows. */
  readonly recovered: boolean;
  readonly level: AccessLevel;
  /** False = no messages, only values such as the viewer count: what anonymous visitors may get. */
  readonly chat?: false;
  /** Use it in place of a room ticket to come back; good for 15 minutes. */
  readonly resume?: string;
}

export interface SubscribeFailure {
  readonly ch: string;
  readonly e: ErrorTuple;
}

export type SubscribeOutcome = SubscribeResult | SubscribeFailure;

export interface ConnectResult {
  readonly node: string;
  readonly session: string;
  readonly user: { readonly id: string; readonly name: string; readonly role: Role };
  /** Server time, Unix ms. */
  readonly now: number;
  /** When the token ends, Unix ms; send `refresh` before. */
  readonly exp: number;
  readonly subs: readonly SubscribeOutcome[];
}

/**
 * `offset` 0 = accepted without a place in the sequence (sampled, held or shadowed: see `state`).
 */
export interface PublishResult {
  readonly epoch: string;
  readonly offset: number;
  readonly ts: number;
  readonly state?: 'sampled' | 'held';
}

export interface HistoryResult {
  readonly epoch: string;
  readonly top: number;
  readonly msgs: readonly HistoryItem[];
}

export type HistoryItem = readonly [
  offset: number,
  ts: number,
  kind: MessageKind,
  body: Body,
  mid: string,
];

export interface PresenceResult {
  /** Listed people in the room, anonymous ones too, each once. */
  readonly count: number;
  /** Grows with each who comes or goes; `v` and `j` carry it. */
  readonly version: number;
  /** The first 100 by level and arrival, without anonymous ones. */
  readonly users: readonly PresentUser[];
}

export type PresentUser = readonly [id: string, name: string, level: AccessLevel];

export interface ModerateResult {
  /** Of the room's settings. */
  readonly version: number;
  /** Of the message that tells of the act or, after `approve`, of the message; 0 = none. */
  readonly offset: number;
}

/** A message that waits for a moderator. */
export interface HeldMessage {
  readonly held: string;
  readonly from: { readonly id: string; readonly name: string; readonly role?: string };
  readonly text: string;
  /** Which rule of the setting `review` held it: words, links or all. */
  readonly reason: string;
  /** When it was held, Unix ms; after ten minutes nobody sees it any more. */
  readonly ts: number;
}

export interface HeldResult {
  /** Oldest first. */
  readonly items: readonly HeldMessage[];
}

export type EmptyResult = Readonly<Record<string, never>>;

export interface OkReply {
  readonly i: number;
  readonly r: Body;
}

export interface ErrorReply {
  /** 0 when the frame or command was too broken to hold an id. */
  readonly i: number;
  readonly e: ErrorTuple;
}

/** The top of a quiet channel, so that a lost tail is noticed without the next message. */
export interface BeaconControl {
  readonly p: 'pos';
  readonly a: number;
  readonly epoch: string;
  readonly offset: number;
}

/** The server ended this subscription. `retry` = subscribe again (with a new ticket). */
export interface UnsubscribedControl {
  readonly p: 'unsub';
  readonly a: number;
  readonly ch: string;
  readonly reason: string;
  readonly retry: boolean;
}

/**
 * The sequence of the channel began anew or cannot be continued: take `from` as the new position.
 */
export interface ResetControl {
  readonly p: 'reset';
  readonly a: number;
  readonly epoch: string;
  readonly from: number;
}

/** Reconnect to another server within `ms`; then this one closes with 4200. */
export interface LeaveControl {
  readonly p: 'bye';
  readonly ms: number;
  readonly url?: string;
}

export type Control = BeaconControl | UnsubscribedControl | ResetControl | LeaveControl;

/** A message with an offset; the next one in its channel has offset + 1. */
export type ReliablePush = readonly [
  alias: number,
  offset: number,
  ts: number,
  kind: MessageKind,
  body: Body,
  mid: string,
];
/** A value under `key`; one with a version not above the shown one is ignored. */
export type LatestPush = readonly [
  alias: number,
  zero: 0,
  ts: number,
  kind: MessageKind,
  body: Body,
  version: number,
  key: string,
];
/** A message that may be lost. */
export type VolatilePush = readonly [
  alias: number,
  zero: 0,
  ts: number,
  kind: MessageKind,
  body: Body,
];
export type Push = ReliablePush | LatestPush | VolatilePush;

export type ServerMessage = OkReply | ErrorReply | Control | Push;
