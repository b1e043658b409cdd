// One channel in this worker: its place in the sequence, its ring, who listens, what waits for a
// flush. Invariant: everything up to flushedTop is in the ring or was, and went to every live
// listener.
import { channelKeys, type ChannelKeys } from './channel-keys.js';
import { FewMap } from './few-map.js';
import { kindOfTail, type LatestPacket, type Tail, type VolatilePacket } from './packet.js';
import { channelNamespace, limits } from './protocol/index.js';
import {
  encodeLatest,
  encodeReliable,
  encodeVolatile,
  latestJson,
  volatileJson,
} from './push-encoder.js';
import { entryJson, Ring, type Entry } from './ring.js';
import { SequenceTracker, type TrackerSink } from './sequence-tracker.js';
import type { Membership, Session } from './session.js';

/** Who gets a frame: everybody, those in charge (m), or those without messages (q). */
export const AUDIENCES = ['', 'm', 'q'] as const;
export type Audience = (typeof AUDIENCES)[number];
/** How the topic of JSON readers is told from the other. */
const TEXT_TOPICS: Readonly<Record<Audience, string>> = { '': 'j', m: 'mj', q: 'qj' };

/** A push without a place in the sequence, waiting for the next flush. */
export interface Extra {
  readonly binary: Buffer;
  readonly json: () => string;
  readonly isForModerators: boolean;
}

export interface LatestValue extends Extra {
  readonly version: number;
}

export interface ChannelEvents {
  /** History is wanted; answer with tracker.filled or tracker.failed. */
  fill(channel: Channel): void;
  /** Something waits for a flush. */
  pending(channel: Channel, isUrgent: boolean): void;
  /** A reliable message got into the ring. */
  appended(channel: Channel, entry: Entry, tail: Tail): void;
  /** The ring is full of messages that wait: they must go out before the next one. */
  overflowing(channel: Channel): void;
  /** The sequence is about to begin anew: what waits must go out before. */
  restarting(channel: Channel): void;
  /** The sequence began anew. */
  restarted(channel: Channel): void;
}

const RING = { entriesMax: 256, bytesMax: 512 * 1_024 };
/** Moderation and control do not wait for the window. */
const URGENT = new Set(['d', 'c', 'x', 's']);
/** Kinds that only moderators of the room get. */
const MODERATORS_ONLY = new Set(['h', 'o']);

/** The newest messages, joined once for all who join before the next one. */
class Backlog {
  private asBinary: Buffer | undefined;
  private asJson: string | undefined;

  constructor(
    readonly from: number,
    readonly top: number,
    private readonly entries: readonly Entry[],
  ) {}

  get binary(): Buffer {
    return (this.asBinary ??= Buffer.concat(this.entries.map((entry) => entry.binary)));
  }

  get json(): string {
    return (this.asJson ??= this.entries.map(entryJson).join(','));
  }
}

const NO_VALUES: ReadonlyMap<string, LatestValue> = new Map();

/** There are as many as connections, so it is its tracker's sink itself, without closures. */
export class Channel implements TrackerSink {
  readonly keys: ChannelKeys;
  readonly namespace: string;
  readonly ring = new Ring(RING);
  readonly tracker: SequenceTracker;
  readonly members = new FewMap<Session, Membership>();
  private values: Map<string, LatestValue> | undefined;
  /** Live listeners by encoding; lagging ones do not count. */
  binaryListeners = 0;
  jsonListeners = 0;
  /** Those who get no messages, only values; not among the others. */
  quietListeners = 0;
  flushedTop = 0;
  lastFlushMs = 0;
  /** Reliable messages, smoothed, as of the last flush. */
  messagesPerSec = 0;
  isScheduled = false;
  /** When it was last sure that nothing is missing, for looking after quiet channels. */
  heardMs = 0;
  beaconMs = 0;
  emptySinceMs = 0;
  private extras: Map<string, Extra> | undefined;
  private binaryTopic: string | undefined;
  /** All others; most user channels need none of them. */
  private topics: Map<string, string> | undefined;
  private extraCount = 0;
  private newest: Backlog | undefined;

  constructor(
    readonly name: string,
    readonly alias: number,
    private readonly events: ChannelEvents,
  ) {
    this.keys = channelKeys(name);
    this.namespace = channelNamespace(name);
    this.tracker = new SequenceTracker(this);
  }

  /** Newest value of each key. */
  get latest(): ReadonlyMap<string, LatestValue> {
    return this.values ?? NO_VALUES;
  }

  get epoch(): string {
    return this.tracker.position().epoch;
  }

  /** Only one user can listen to it. */
  get isPersonal(): boolean {
    return this.namespace === 'user';
  }

  get listeners(): number {
    return this.binaryListeners + this.jsonListeners;
  }

  /** One string per topic for good: the library flattens a new one at each call. */
  topic(isBinary: boolean, audience: Audience = ''): string {
    if (isBinary && audience === '') return (this.binaryTopic ??= `${this.alias}b`);
    const kind = isBinary ? audience : TEXT_TOPICS[audience];
    this.topics ??= new Map();
    let topic = this.topics.get(kind);
    if (topic === undefined) {
      topic = `${this.alias}${audience}${isBinary ? 'b' : 'j'}`;
      this.topics.set(kind, topic);
    }
    return topic;
  }

  /** False when it is not newer than the value that is there. */
  takeLatest(packet: LatestPacket): boolean {
    const { key, version, tail } = packet;
    if (version <= (this.latest.get(key)?.version ?? -1)) return false;
    const kind = kindOfTail(tail);
    let json: string | undefined;
    const value: LatestValue = {
      version,
      binary: encodeLatest(this.alias, packet),
      json: () => (json ??= latestJson(this.alias, packet)),
      isForModerators: MODERATORS_ONLY.has(kind),
    };
    this.values ??= new Map();
    this.values.set(key, value);
    this.extras ??= new Map();
    this.extras.delete(key); // an older value that still waits is not sent any more
    this.extras.set(key, value);
    this.events.pending(this, URGENT.has(kind));
    return true;
  }

  takeVolatile(packet: VolatilePacket): void {
    const kind = kindOfTail(packet.tail);
    let json: string | undefined;
    this.extraCount += 1;
    this.extras ??= new Map();
    this.extras.set(`#${this.extraCount}`, {
      binary: encodeVolatile(this.alias, packet),
      json: () => (json ??= volatileJson(this.alias, packet)),
      isForModerators: MODERATORS_ONLY.has(kind),
    });
    this.events.pending(this, URGENT.has(kind));
  }

  /** Values and volatile messages that wait for a flush; the caller sends them. */
  takeExtras(): readonly Extra[] {
    if (this.extras === undefined) return [];
    const extras = [...this.extras.values()];
    this.extras = undefined;
    return extras;
  }

  /** Reliable messages that wait for a flush. */
  unflushed(): readonly Entry[] {
    return this.ring.range(Math.max(this.flushedTop, this.ring.floor), this.ring.top) ?? [];
  }

  /** The last `backlogMax` flushed messages; undefined when there are none. */
  get backlog(): Backlog | undefined {
    const { flushedTop: top, ring } = this;
    if (top === ring.floor) return undefined;
    const from = Math.max(ring.floor, top - limits.backlogMax);
    if (this.newest?.top !== top || this.newest.from !== from) {
      this.newest = new Backlog(from, top, ring.range(from, top) ?? []);
    }
    return this.newest;
  }

  hide(isHidden: (entry: Entry) => boolean, replacement: (entry: Entry) => Buffer): void {
    this.ring.hide(isHidden, replacement);
    this.newest = undefined;
  }

  /** For the tracker. */
  append(offset: number, ts: number, tail: Tail): void {
    const kind = kindOfTail(tail);
    const binary = encodeReliable({ alias: this.alias, offset, ts }, tail);
    const entry: Entry = { offset, ts, kind, binary, json: undefined };
    // What left the ring before its flush would be a hole for every live listener.
    if (this.ring.wouldEvict(binary.length, this.flushedTop)) this.events.overflowing(this);
    this.ring.push(entry);
    this.events.appended(this, entry, tail);
    this.events.pending(this, URGENT.has(kind));
  }

  /** For the tracker. */
  isKnown(offset: number, ts: number, tail: Tail): boolean | undefined {
    const entry = this.ring.at(offset);
    if (entry === undefined) return undefined;
    if (entry.ts !== ts) return false;
    // What was hidden keeps its time, and looks otherwise.
    if (entry.kind === 'd' || kindOfTail(tail) === 'd') return true;
    return entry.binary.equals(encodeReliable({ alias: this.alias, offset, ts }, tail));
  }

  /** For the tracker. */
  fill(): void {
    this.events.fill(this);
  }

  /** For the tracker. */
  reset(_epoch: string, from: number): void {
    this.events.restarting(this);
    this.ring.reset(from);
    this.flushedTop = from;
    this.newest = undefined;
    this.events.restarted(this);
  }
}
