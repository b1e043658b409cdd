// The streams of this node: who may publish, who is live, which players hang on. Used by sessions.
// Invariants: a stream has at most one live publisher; a key has at most one pending claim that can
// still win; players of a stream stay over a take-over and over a gap shorter than the grace.

import { assert, type Clock } from '../cluster/index.js';
import type { GopLimits } from './gop-cache.js';
import type { LiveStreamListener } from './live-stream.js';
import type { HookClientInfo } from './session-hooks.js';
import { type BatchReader, PublishedStream, type TagBatch } from './published-stream.js';

export type PublishPolicy = 'replace' | 'refuse';

/** An RTMP player on a stream. */
export interface StreamPlayer extends BatchReader {
  /** No publisher came back within the grace. */
  streamEnded(reason: string): void;
}

export interface StreamTableOptions {
  readonly policy: PublishPolicy;
  readonly gopLimits: GopLimits;
  readonly rateWindowMs: number;
  /** How long players wait for a publisher to come back, ms. */
  readonly playerGraceMs: number;
  readonly clock: Clock;
  readonly listener: LiveStreamListener;
}

interface Slot {
  readonly streamId: string;
  stream: PublishedStream | undefined;
  /** Key of the live publisher. */
  keyHash: string;
  readonly players: Set<StreamPlayer>;
  grace: NodeJS.Timeout | undefined;
  /** Where the players' time stands. */
  playerTimestampMs: number;
}

interface KeyState {
  pending: Claim | undefined;
  live: PublishedStream | undefined;
}

/**
 * The wish to publish with a key, made before the hook is asked. To be confirmed or released, once.
 */
export class Claim {
  readonly keyHash: string;
  isSuperseded = false;

  constructor(keyHash: string) {
    this.keyHash = keyHash;
  }
}

export interface ConfirmOptions {
  readonly streamId: string;
  readonly sessionId: string;
  readonly client?: HookClientInfo;
  readonly isSameClock?: boolean;
  /** Ends the publisher's session, which must call `end` before it returns. */
  readonly onKick: (reason: string) => void;
}

/** Reason given to a publisher whose stream was taken over. */
export const REPLACED = 'replaced';
/** Reason given for a stream whose publisher was moved to another id. */
export const REDIRECTED = 'redirected';

export class StreamTable {
  readonly #options: StreamTableOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #keys = new Map<string, KeyState>();
  readonly #announced = new Set<PublishedStream>();

  constructor(options: StreamTableOptions) {
    this.#options = options;
  }

  /** Live streams of this node. */
  list(): PublishedStream[] {
    return [...this.#slots.values()].flatMap((slot) => slot.stream ?? []);
  }

  find(streamId: string): PublishedStream | undefined {
    return this.#slots.get(streamId)?.stream;
  }

  playerCount(streamId: string): number {
    return this.#slots.get(streamId)?.players.size ?? 0;
  }

  /** Decides on a duplicate before any hook is asked; undefined means refused. */
  claim(keyHash: string): Claim | undefined {
    const state = this.#keys.get(keyHash) ?? { pending: undefined, live: undefined };
    const isTaken = state.pending !== undefined || state.live !== undefined;
    if (isTaken && this.#options.policy === 'refuse') return undefined;
    if (state.pending !== undefined) state.pending.isSuperseded = true;
    state.pending = new Claim(keyHash);
    this.#keys.set(keyHash, state);
    return state.pending;
  }

  /** The publisher of the key that is live now and would be replaced by a confirmed claim. */
  liveSessionOf(keyHash: string): string | undefined {
    return this.#keys.get(keyHash)?.live?.sessionId;
  }

  release(claim: Claim): void {
    const state = this.#keys.get(claim.keyHash);
    if (state?.pending !== claim) return;
    state.pending = undefined;
    if (state.live === undefined) this.#keys.delete(claim.keyHash);
  }

  /**
   * Makes the claim live; a running publisher of the stream is ended first. Undefined when a newer
   * claim came in between, or another key publishes the stream and the policy is to refuse.
   */
  confirm(claim: Claim, options: ConfirmOptions): PublishedStream | undefined {
    this.release(claim);
    const slot = this.#slot(options.streamId);
    if (claim.isSuperseded || (slot.stream !== undefined && this.#options.policy === 'refuse')) {
      this.#drop(slot);
      return undefined;
    }
    slot.stream?.kick(REPLACED);
    assert(slot.stream === undefined, 'a kicked publisher must end at once');
    return this.#open(slot, claim.keyHash, options);
  }

  /**
   * The publisher goes on under another id: the old stream ends, a new one begins with its last
   * pictures. Undefined when the stream is over or the id is taken.
   */
  move(stream: PublishedStream, options: ConfirmOptions): PublishedStream | undefined {
    const from = this.#slots.get(stream.streamId);
    if (from?.stream !== stream || this.find(options.streamId) !== undefined) return undefined;
    this.end(stream, REDIRECTED);
    const next = this.#open(this.#slot(options.streamId), from.keyHash, options);
    next.continueMedia(stream);
    this.announce(next);
    return next;
  }

  /** Tells the media pipeline of a stream whose publisher was told to begin. */
  announce(stream: PublishedStream): void {
    this.#announced.add(stream);
    this.#options.listener.streamStarted(stream);
  }

  /** The publisher's session is over. */
  end(stream: PublishedStream, reason: string): void {
    const slot = this.#slots.get(stream.streamId);
    if (slot?.stream !== stream) return;
    stream.end(reason);
    slot.stream = undefined;
    slot.playerTimestampMs = stream.playerTimestampMs;
    const state = this.#keys.get(slot.keyHash);
    if (state?.live === stream) {
      state.live = undefined;
      if (state.pending === undefined) this.#keys.delete(slot.keyHash);
    }
    slot.grace = setTimeout(() => this.#giveUp(slot, reason), this.#options.playerGraceMs);
    if (slot.players.size === 0) this.#drop(slot);
    if (this.#announced.delete(stream)) this.#options.listener.streamEnded(stream, reason);
  }

  /**
   * Adds a player; undefined when the stream is not live. Returns the burst that the player starts
   * with.
   */
  join(streamId: string, player: StreamPlayer): TagBatch | undefined {
    const slot = this.#slots.get(streamId);
    if (slot?.stream === undefined) return undefined;
    slot.players.add(player);
    return slot.stream.attach(player);
  }

  leave(streamId: string, player: StreamPlayer): void {
    const slot = this.#slots.get(streamId);
    if (slot?.players.delete(player) !== true) return;
    slot.stream?.detach(player);
    this.#drop(slot);
  }

  #open(slot: Slot, keyHash: string, options: ConfirmOptions): PublishedStream {
    const { clock, gopLimits, rateWindowMs } = this.#options;
    const stream = new PublishedStream({
      ...options,
      startedAtMs: clock.nowMs(),
      nowMs: () => clock.monotonicMs(),
      gopLimits,
      rateWindowMs,
    });
    clearTimeout(slot.grace);
    // Ending the old publisher may have dropped the slot.
    this.#slots.set(slot.streamId, slot);
    slot.stream = stream;
    slot.keyHash = keyHash;
    const state = this.#keys.get(keyHash) ?? { pending: undefined, live: undefined };
    state.live = stream;
    this.#keys.set(keyHash, state);
    if (slot.players.size > 0) {
      stream.continueFrom(slot.playerTimestampMs);
      for (const player of slot.players) stream.attach(player);
    }
    return stream;
  }

  #slot(streamId: string): Slot {
    const known = this.#slots.get(streamId);
    if (known !== undefined) return known;
    const slot: Slot = {
      streamId,
      stream: undefined,
      keyHash: '',
      players: new Set(),
      grace: undefined,
      playerTimestampMs: 0,
    };
    this.#slots.set(streamId, slot);
    return slot;
  }

  /** Forgets a slot that nobody uses. */
  #drop(slot: Slot): void {
    if (slot.stream !== undefined || slot.players.size > 0) return;
    clearTimeout(slot.grace);
    this.#slots.delete(slot.streamId);
  }

  #giveUp(slot: Slot, reason: string): void {
    const players = [...slot.players];
    slot.players.clear();
    this.#drop(slot);
    for (const player of players) player.streamEnded(reason);
  }
}
