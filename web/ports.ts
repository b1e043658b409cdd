// What the site needs from its siblings, in its own words. Only main.ts joins them; tests may bring
// their own. Every method rejects with a coded site error (BILLING_UNAVAILABLE,
// REALTIME_UNAVAILABLE) when the other side is away, never with a transport's error.

import type { Finance } from './finance-port.js';

/** Money in milli-credits (1 credit = 1000). */
export type Milli = bigint;

export interface OpenedSession {
  readonly sessionId: string;
  readonly priceMilliPerMin: Milli;
  readonly balance: Milli;
  /** Unix ms until which the viewer has paid or reserved credit. */
  readonly grantedUntilMs: number;
}

export interface BillingSession {
  readonly viewerId: string;
  readonly roomId: string;
  readonly isActive: boolean;
  readonly reason?: string;
}

export interface TipReceipt {
  readonly tipId: string;
  readonly balance: Milli;
  /** True when this key had been used for the same tip before; nothing moved again. */
  readonly isDuplicate: boolean;
}

export interface Wallet {
  readonly balance: Milli;
  readonly held: Milli;
  readonly version: number;
}

export interface RoomTerms {
  readonly roomId: string;
  readonly performerId: string;
  readonly streamId: string;
  readonly priceMilliPerMin: Milli;
  readonly isActive: boolean;
  /** Absent: by the minute, to the millisecond. `maxSec`: the longest visit. */
  readonly tariff?:
    | { readonly model: 'ticket'; readonly ticketMilli: Milli; readonly maxSec?: number }
    | {
        readonly model: 'perMinute';
        readonly minimumMilli?: Milli;
        readonly graceSec?: number;
        readonly maxSec?: number;
      };
}

/** Sums over the whole ledger; amounts are decimal strings of milli-credits. */
export interface LedgerSummary {
  /** '0', or the books are broken. */
  readonly entriesSum: string;
  readonly transfers: number;
  readonly accounts: readonly { readonly kind: string; readonly balance: string }[];
}

export interface Statement {
  entries: {
    id: string;
    /** What happened: charge, tip, grant, … in the ledger's words. */
    code: string;
    amount: string;
    sessionId?: string;
    bookedAtMs: number;
  }[];
  next?: string;
}

/** The only way to credits. Commands with a key may be repeated: the same key acts once. */
export interface Billing {
  /** @throws INSUFFICIENT_CREDIT */
  openSession(request: { viewerId: string; roomId: string; key: string }): Promise<OpenedSession>;
  /** undefined: no such session. */
  findSession(sessionId: string): Promise<BillingSession | undefined>;
  endSession(sessionId: string, reason: 'left'): Promise<void>;
  /** @throws INSUFFICIENT_CREDIT, KEY_REUSED, TIP_REFUSED */
  tip(request: {
    key: string;
    viewerId: string;
    viewerName: string;
    roomId: string;
    amount: Milli;
    text?: string;
    /** For the performer alone. */
    note?: string;
  }): Promise<TipReceipt>;
  wallet(userId: string): Promise<Wallet>;
  /** Idempotent by key. @throws KEY_REUSED, BALANCE_LIMIT */
  grant(request: {
    key: string;
    userId: string;
    amount: Milli;
    reason: string;
    actor: string;
  }): Promise<Milli>;
  putRoom(terms: RoomTerms): Promise<void>;
  /** The longest show of the room; null = as the site has it. @throws ROOM_NOT_FOUND */
  putShowLimit(roomId: string, maxSec: number | null): Promise<void>;
  /** Replaces the key of the stream: the old one is revoked and its publisher is dropped. */
  putStreamKey(key: { streamId: string; keyHash: string }): Promise<void>;
  /** Entries of the wallet, newest first; `before` is the `next` of the page before. */
  statement(userId: string, page: { before?: string; limit: number }): Promise<Statement>;
  earnings(performerId: string): Promise<{ pending: Milli; total: Milli }>;
  ledgerSummary(): Promise<LedgerSummary>;
}

export interface LiveStream {
  readonly streamId: string;
  readonly nodeId: string;
  /**
   * `http://host:port` without a path; an empty host (`http://:8082`) means the host of the site.
   */
  readonly hlsUrlBase: string;
  readonly startedAtMs: number;
  /** Viewers that fetched the video within the last seconds. */
  readonly viewers: number;
  /** When the newest picture was made, Unix ms; absent while there is none. */
  readonly pictureAtMs?: number;
  readonly video?: { readonly width: number; readonly height: number; readonly fps: number };
  /** What the ingest measures of the publisher. */
  readonly health?: StreamHealth;
  /** Why the source is not passed on as it is. */
  readonly notes?: readonly string[];
}

export interface StreamHealth {
  readonly bitrateKbps: number;
  readonly fps: number;
  readonly keyFrameSec: number;
  readonly droppedFrames: number;
}

/** Which streams are on the air now. */
export interface StreamDirectory {
  list(): Promise<readonly LiveStream[]>;
  /** The session whose signed paths open the picture of a stream and nothing else. */
  readonly previewSid: string;
}

export type Push = {
  readonly kind: 's' | 'n';
  readonly body: Readonly<Record<string, unknown>>;
} & (
  | {
      /** In order, replayed after a gap; the same `mid` is delivered once within five minutes. */
      readonly cls: 'reliable';
      readonly mid?: string;
    }
  | {
      /**
       * Only the newest value of a key counts; one that is not above the known version is ignored.
       */
      readonly cls: 'latest';
      readonly key: string;
      /** Default: the time. */
      readonly version?: number;
    }
);

/** Pushes a message to everyone who is subscribed to the channel, on any gateway. */
export interface Publisher {
  /** @returns false when the fleet had said so before. */
  publish(channel: string, push: Push): Promise<boolean>;
}

export interface FleetMember {
  readonly id: string;
  readonly address: Readonly<Record<string, string>>;
  readonly load: number;
  readonly isDraining: boolean;
}

/** Who runs which role now. */
export interface Fleet {
  list(role: 'gateway' | 'rtmp'): readonly FleetMember[];
  /** Members that take new work, best home for the user (in the room that they open) first. */
  ranked(
    role: 'gateway',
    destination: { user: string; room?: { id: string; viewers: number } },
  ): readonly FleetMember[];
}

export interface StreamEvent {
  readonly streamId: string;
  readonly state: 'live' | 'ended';
}

/** Fleet-wide events; at most once, so whoever listens also looks at the directory now and then. */
export interface FleetEvents {
  onStreamState(handler: (event: StreamEvent) => void): void;
}

/** Counts what happened in the last moments, shared by all web processes. */
export interface HitCounter {
  /**
   * Counts one hit unless `max` lie within the window that ends now.
   * @returns hits in the window, `max + 1` for a refused one, and when the oldest leaves it
   */
  hit(
    key: string,
    limit: { windowMs: number; max: number },
  ): Promise<{ hits: number; leftMs: number }>;
  /** Hits within the window, without counting one. */
  count(key: string, windowMs: number): Promise<number>;
}

/** Short-lived marks, shared by all web processes. */
export interface MarkStore {
  mark(key: string, ttlSec: number): Promise<void>;
  isMarked(key: string): Promise<boolean>;
}

/** As `roomId` of an order to one user: all rooms. */
export const EVERY_ROOM = '*';

/** Orders that take effect in open rooms at once. Each rejects with REALTIME_UNAVAILABLE. */
export interface RoomControl {
  /** Ends the chat of one user in a room, or of all but `keep`. */
  evict(order: {
    roomId: string;
    user?: string;
    keep?: readonly string[];
    /** Machine-readable: price, private, redirect, ended. */
    reason: string;
    /** Slug of the room where they should go instead. */
    redirect?: string;
  }): Promise<void>;
  /** Closes all connections of an account; it may not come back by itself. */
  disconnect(userId: string): Promise<void>;
  /** Drops the publisher of a stream. */
  endBroadcast(streamId: string): Promise<void>;
  /** Video addresses of free viewers signed for an older epoch give nothing from now on. */
  closeFreeVideo(streamId: string, epoch: number): Promise<void>;
}

/** One act on a room; what is needed depends on the action. */
export interface ModerationAct {
  readonly action: string;
  readonly by: { readonly id: string; readonly name: string; readonly role: string };
  /** The same one of the same person acts once within five minutes. */
  readonly mid: string;
  readonly user?: string;
  readonly offset?: number;
  readonly held?: string;
  readonly seconds?: number;
  readonly reason?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One message of a channel as docs/protocol.md has it. */
export type HistoryItem = readonly [
  offset: number,
  atMs: number,
  kind: string,
  body: Readonly<Record<string, unknown>>,
  mid: string,
];

/** In force. Times are Unix ms; `untilMs` null = until somebody lifts it. */
export interface Restriction {
  readonly user: string;
  readonly name?: string;
  readonly kind: 'ban' | 'mute' | 'shadow';
  readonly untilMs: number | null;
  readonly sinceMs: number;
  readonly reason?: string;
  readonly by?: string;
}

/**
 * The chat of a room as those in charge see it. Rejects with MODERATION_REFUSED, FORBIDDEN,
 * NOT_FOUND, REALTIME_UNAVAILABLE.
 */
export interface Moderation {
  moderate(roomId: string, act: ModerationAct): Promise<void>;
  /** Messages that wait, oldest first. */
  held(roomId: string): Promise<readonly object[]>;
  /** Newest first; `before` is an id. */
  audit(
    roomId: string,
    page: { before?: number; limit: number },
  ): Promise<readonly { readonly id: number }[]>;
  settings(roomId: string): Promise<object>;
  /** Restrictions in force, newest first; `before` is the `next` of the page before. */
  bans(
    roomId: string,
    page: { before?: number; limit: number },
  ): Promise<{ readonly items: readonly Restriction[]; readonly next?: number }>;
  /** Oldest first: the newest, or those before an offset; at most 100. `top`: the last offset. */
  history(
    roomId: string,
    page: { before?: number; limit: number },
  ): Promise<{ readonly top: number; readonly msgs: readonly HistoryItem[] }>;
  setFlags(
    roomId: string,
    flags: { isPrivate?: boolean; anonsMayEnter?: boolean; anonsSeeChat?: boolean },
  ): Promise<void>;
}

/** A picture that waits to be resized. */
export interface PictureJob {
  readonly userId: string;
  readonly uploadId: string;
}

/** Work off the request path, taken by any web process; tried again after a fault. */
export interface PictureJobs {
  /** @throws REALTIME_UNAVAILABLE, OVERLOADED */
  add(job: PictureJob): Promise<void>;
  /** Says who does the work; a job may come twice. */
  onJob(worker: PictureWorker): void;
}

export interface PictureWorker {
  run(job: PictureJob): Promise<void>;
  /** The job is not tried again. */
  giveUp(job: PictureJob, why: unknown): Promise<void>;
}

/** Everything from outside that the site works with. */
/** A recorded show, or a part of one. */
export interface Recording {
  readonly id: string;
  readonly streamId: string;
  /** Of the node that has it; an empty host means the host of the site. */
  readonly urlBase: string;
  readonly startedAtMs: number;
  /** 0 while it is being recorded. */
  readonly durationMs: number;
  readonly bytes: number;
  readonly isReady: boolean;
}

export interface Recordings {
  /** Session of paths that open one recording and nothing else. */
  sidOf(id: string): string;
  /** Newest first. @throws REALTIME_UNAVAILABLE */
  list(streamId: string): Promise<readonly Recording[]>;
  /** False when no living node has it, or it is still being recorded. */
  remove(streamId: string, id: string): Promise<boolean>;
}

export interface Ports {
  readonly recordings: Recordings;
  readonly billing: Billing;
  readonly finance: Finance;
  readonly directory: StreamDirectory;
  readonly control: RoomControl;
  readonly moderation: Moderation;
  readonly publisher: Publisher;
  readonly fleet: Fleet;
  readonly events: FleetEvents;
  readonly hits: HitCounter;
  readonly marks: MarkStore;
  readonly pictureJobs: PictureJobs;
}
