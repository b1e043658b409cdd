// A Redis "realtime" in memory: what the gateway's scripts do to it, in plain TypeScript. The rules
// of sequencing, opening and comparing are held against the real scripts by
// test/redis-model.test.ts. A planted bug breaks one rule, so that the oracle that should notice
// can show that it does.
import { channelOfFeed } from '../../channel-keys.js';
import type { ClaimArgs, ClaimReply } from '../../coordinator-scripts.js';
import { kindOfTail, packVolatile, parseEntry, unpackTail } from '../../packet.js';
import { packValue } from '../../protocol/index.js';
import { messageFlags } from '../../scripts.js';
import { ChannelRow, refuse, type ModelMessage } from './sequence-rules.js';

export type Plant =
  | 'swap-feed'
  | 'lose-history'
  | 'forget-mids'
  | 'late-ban'
  | 'same-token'
  | 'keep-feeds'
  | 'blind-tops'
  | 'late-tops'
  | 'none';

/** One accepted message, as the oracles see it. */
export interface Sequenced {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly tail: Buffer;
}

export interface ModelEvents {
  publish(channel: string, packet: Buffer): void;
  sequenced(one: Sequenced): void;
  duty(room: string, worker: string, token: number): void;
}

export interface SequenceCall {
  readonly channel: string;
  readonly newEpoch: string;
  readonly knownEpoch: string;
  readonly knownTop: number;
  readonly historyMax: number;
  readonly midTtlMs: number;
  readonly settingsVersion: string;
  readonly messages: readonly ModelMessage[];
}

export interface OpenCall {
  readonly channel: string;
  readonly newEpoch: string;
  readonly knownEpoch: string;
  readonly knownTop: number;
  readonly knownMs: number;
  readonly after: number;
  readonly max: number;
}

export interface BanCall {
  readonly channel: string;
  readonly user: string;
  /** `<actor> <mid>` */
  readonly field: string;
  readonly event: Buffer;
  /** Stands for what is hidden. */
  readonly hidden: Buffer;
  readonly historyMax: number;
}

/** How long the planted bug keeps a new top to itself: longer than promised. */
const LATE_TOPS_MS = 6_000;

/** Verdicts of which only the sender and moderators see the message. */
const UNSEEN = new Map([
  ['sampled:0', 'sampled'],
  ['shadow:0', 'shadow'],
]);

type Raw = string | number | Buffer | null | Raw[];

export class RedisModel {
  private rows = new Map<string, ChannelRow>();
  private loads = new Map<string, { rooms: number; untilMs: number }>();
  private marks = new Set<string>();

  constructor(
    private readonly events: ModelEvents,
    private readonly plant: Plant = 'none',
  ) {}

  row(channel: string): ChannelRow {
    const known = this.rows.get(channel);
    if (known !== undefined) return known;
    const row = new ChannelRow();
    this.rows.set(channel, row);
    return row;
  }

  /** The server came back with nothing. */
  clear(): void {
    this.rows = new Map();
    this.loads = new Map();
    this.marks = new Set();
  }

  /** SET … NX; true when it was not there. */
  mark(key: string): boolean {
    const isNew = !this.marks.has(key);
    this.marks.add(key);
    return isNew;
  }

  sequence(call: SequenceCall, clockMs: number): Raw[] {
    const row = this.row(call.channel);
    const isNew = row.epoch === '';
    const hasLost = row.epoch === call.knownEpoch && row.top < call.knownTop;
    const epoch = isNew || hasLost ? call.newEpoch : row.epoch;
    const nowMs = Math.max(clockMs, row.lastMs);
    const context = { row, nowMs, settingsVersion: call.settingsVersion };
    const seen = new Map<string, string>();
    const accepted: { field: string; offset: number; tail: Buffer }[] = [];
    const unseen: { state: string; tail: Buffer }[] = [];
    const verdicts: Raw[] = [epoch, nowMs];
    let next = isNew ? 0 : row.top;
    for (const message of call.messages) {
      const field = `${message.sender} ${message.mid}`;
      const known = seen.get(field) ?? (isNew ? undefined : this.knownMid(row, field));
      if (known !== undefined) {
        verdicts.push(`=${known}`);
        continue;
      }
      const isFree = (message.flags & messageFlags.checkFree) > 0;
      const refusal = isFree ? undefined : refuse(context, message);
      if (refusal === undefined) {
        next += 1;
        accepted.push({ field, offset: next, tail: message.tail });
        seen.set(field, `${next}:${nowMs}`);
      }
      const state = refusal === undefined ? undefined : UNSEEN.get(refusal);
      if (state !== undefined) unseen.push({ state, tail: message.tail });
      verdicts.push(refusal ?? next);
    }
    if (unseen.length > 0) this.events.publish(call.channel, packUnseen(nowMs, unseen));
    if (accepted.length === 0) return [isNew ? epoch : row.epoch, ...verdicts.slice(1)];
    if (isNew) restart(row);
    row.epoch = epoch;
    rotateMids(row, nowMs, call.midTtlMs);
    for (const [field, place] of seen) row.mids.set(field, place);
    row.roomTat = Math.round(row.roomTat * 1_000) / 1_000;
    this.append(call.channel, row, accepted, nowMs, call.historyMax);
    return verdicts;
  }

  open(call: OpenCall): Raw[] {
    const row = this.row(call.channel);
    if (row.epoch === '') row.history.clear();
    if (row.epoch === '' || hasLost(row, call)) row.epoch = call.newEpoch;
    let first = call.after + 1;
    if (first <= 0 || row.epoch !== call.knownEpoch) first = Math.max(1, row.top - call.max + 1);
    const last = Math.min(row.top, first + call.max - 1);
    const entries: Raw[] = [];
    for (let offset = first; offset <= last; offset += 1) {
      entries.push(row.history.get(offset) ?? null);
    }
    return [row.epoch, row.top, first, entries, []];
  }

  /** @param known epoch and top of each channel */
  compare(known: readonly { channel: string; epoch: string; top: number }[], nowMs: number): Raw[] {
    if (this.plant === 'blind-tops') return [];
    return known.flatMap(({ channel, epoch, top }, at): Raw[] => {
      const row = this.row(channel);
      if (this.plant === 'late-tops' && nowMs - row.lastMs < LATE_TOPS_MS) return [];
      return row.epoch === epoch && row.top === top ? [] : [at + 1, row.epoch, row.top];
    });
  }

  /** Bans a user for good: hides what there is of theirs, and sequences the act, once per field. */
  ban(call: BanCall, clockMs: number): Raw[] {
    const { channel, user, field, event, hidden, historyMax } = call;
    const row = this.row(channel);
    if (row.epoch === '') return ['', 0, 0, 0];
    const known = this.knownMid(row, field);
    if (known !== undefined) return [row.epoch, Number.parseInt(known, 10), 0, 2];
    for (const [offset, entry] of row.history) {
      const { tail } = parseEntry(entry);
      if (kindOfTail(tail) !== 'm') continue;
      const { from } = unpackTail(tail).body as { from?: { id?: string } };
      if (from?.id === user) row.history.set(offset, Buffer.concat([entry.subarray(0, 8), hidden]));
    }
    if (this.plant !== 'late-ban') row.restrictions.set(`b:${user}`, Number.MAX_SAFE_INTEGER);
    const nowMs = Math.max(clockMs, row.lastMs);
    this.append(channel, row, [{ offset: row.top + 1, tail: event }], nowMs, historyMax);
    row.mids.set(field, `${row.top}:${nowMs}`);
    return [row.epoch, row.top, 1, 1];
  }

  claim({ channel, worker, token, ttlMs }: ClaimArgs, nowMs: number): ClaimReply {
    const { lease } = this.row(channel);
    const isTaken = lease.untilMs > nowMs;
    const isOwn = lease.owner === worker && isTaken && lease.token === token;
    const leftMs = Math.max(0, lease.untilMs - nowMs);
    if (ttlMs === 0) {
      if (isOwn) lease.untilMs = 0;
      return { token: 0, owner: isOwn ? '' : lease.owner, leftMs: isOwn ? 0 : leftMs };
    }
    if (isTaken && !isOwn && lease.owner !== worker) {
      return { token: 0, owner: lease.owner, leftMs };
    }
    const isSame = this.plant === 'same-token' && lease.token > 0;
    if (!isOwn && !isSame) lease.token = Math.max(lease.token + 1, nowMs);
    lease.owner = worker;
    lease.untilMs = nowMs + ttlMs;
    return { token: lease.token, owner: worker, leftMs: ttlMs };
  }

  /** −1 the lease has passed on, 0 renewed. */
  announce(channel: string, worker: string, token: number, ttlMs: number, nowMs: number): number {
    const { lease } = this.row(channel);
    if (lease.owner !== worker || lease.token !== token || lease.untilMs <= nowMs) return -1;
    lease.untilMs = nowMs + ttlMs;
    this.events.duty(channel, worker, token);
    return 0;
  }

  shareLoad(worker: string, rooms: number, ttlMs: number, nowMs: number): Raw[] {
    if (rooms < 0) this.loads.delete(worker);
    else this.loads.set(worker, { rooms, untilMs: nowMs + ttlMs });
    for (const [id, load] of this.loads) if (load.untilMs <= nowMs) this.loads.delete(id);
    return [...this.loads].flatMap(([id, load]): Raw[] => [id, load.rooms]);
  }

  /** @param changes kind and user of each */
  report(
    channel: string,
    {
      worker,
      reports,
      leaseMs,
      nowMs,
    }: Record<'reports' | 'leaseMs' | 'nowMs', number> & {
      worker: string;
    },
    changes: readonly (readonly [string, string])[],
  ): Raw[] {
    const { present } = this.row(channel);
    const known = present.get(worker) ?? { reports: 0, untilMs: 0, users: new Set<string>() };
    if (reports > 0 && reports !== known.reports) return [-1];
    if (reports === 0) known.users.clear();
    for (const [what, user] of changes) {
      if (what === '+') known.users.add(user);
      else known.users.delete(user);
    }
    if (known.users.size === 0) present.delete(worker);
    else {
      const next = { ...known, reports: known.reports + 1, untilMs: nowMs + leaseMs };
      present.set(worker, next);
    }
    for (const [id, one] of present) if (one.untilMs <= nowMs) present.delete(id);
    return [present.get(worker)?.reports ?? 0, ...present.keys()];
  }

  private knownMid(row: ChannelRow, field: string): string | undefined {
    if (this.plant === 'forget-mids') return undefined;
    return row.mids.get(field) ?? row.midsBefore.get(field);
  }

  private append(
    channel: string,
    row: ChannelRow,
    accepted: readonly { readonly offset: number; readonly tail: Buffer }[],
    nowMs: number,
    historyMax: number,
  ): void {
    const { epoch } = row;
    const first = row.top + 1;
    for (const { offset, tail } of accepted) {
      row.top = offset;
      const isLost = this.plant === 'lose-history' && offset % 5 === 0;
      if (!isLost) row.history.set(offset, Buffer.concat([uint64(nowMs), tail]));
      row.history.delete(offset - historyMax);
      this.events.sequenced({ channel, epoch, offset, tail });
    }
    row.lastMs = nowMs;
    const tails = accepted.map(({ tail }) => tail);
    if (this.plant === 'swap-feed') tails.reverse();
    this.events.publish(channel, packReliable(epoch, first, nowMs, tails));
  }
}

export function channelOfKey(key: string): string {
  return channelOfFeed(key.replace(/\}:[a-z]+:/, '}:f:'));
}

/** A replica without the master's last messages has taken over. */
function hasLost(row: ChannelRow, { knownEpoch, knownTop, knownMs }: OpenCall): boolean {
  if (row.epoch !== knownEpoch) return false;
  const entry = knownMs > 0 ? row.history.get(knownTop) : undefined;
  return row.top < knownTop || (entry !== undefined && parseEntry(entry).ts !== knownMs);
}

function restart(row: ChannelRow): void {
  row.top = 0;
  row.history.clear();
  row.mids.clear();
  row.midsBefore.clear();
  row.midsBegunMs = 0;
}

function rotateMids(row: ChannelRow, nowMs: number, midTtlMs: number): void {
  if (row.midsBegunMs > 0 && row.midsBegunMs + midTtlMs < nowMs) {
    row.midsBefore = row.mids;
    row.mids = new Map();
    row.midsBegunMs = 0;
  }
  if (row.midsBegunMs === 0) row.midsBegunMs = nowMs;
}

function uint64(value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigUInt64BE(BigInt(value));
  return data;
}

/** As the script writes it: an array of [state, kind, body, mid] around tails that stay packed. */
function packUnseen(
  nowMs: number,
  unseen: readonly { readonly state: string; readonly tail: Buffer }[],
): Buffer {
  const head = Buffer.from([0xdc, unseen.length >> 8, unseen.length & 0xff]);
  const start = [packValue('o'), Buffer.from([0x81]), packValue('msgs'), head];
  const items = unseen.flatMap(({ state, tail }) => [Buffer.from([0x94]), packValue(state), tail]);
  return packVolatile(nowMs, Buffer.concat([...start, ...items]));
}

export function packReliable(
  epoch: string,
  first: number,
  nowMs: number,
  tails: readonly Buffer[],
): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(tails.length);
  const name = Buffer.from(epoch, 'latin1');
  const parts = [Buffer.from([1, name.length]), name, uint64(first), uint64(nowMs), count];
  for (const tail of tails) {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(tail.length);
    parts.push(size, tail);
  }
  return Buffer.concat(parts);
}
