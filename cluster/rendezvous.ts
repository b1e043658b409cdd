// Rendezvous (highest random weight) hashing: which of the live members looks after a key. Rooms
// find their coordinator with it, users their home worker. Invariant: removing a member moves only
// its own keys. Thaler and Ravishankar, IEEE/ACM Trans. Networking 6(1), 1998; weights by -w / ln
// u; the load bound is that of Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded
// Loads", arXiv:1608.01350.
import { assert } from './errors.js';
import { avalanche, digest } from './hash.js';
import { Uint64 } from './uint64.js';

export interface RendezvousMember {
  /** Unique among the members. */
  readonly id: string;
  /** Share of the keys relative to the others, > 0; default 1. */
  readonly weight?: number;
}

/** What the members carry already, for a bounded choice. */
export interface CurrentLoad {
  /** Keys that the member carries, ≥ 0. */
  of(memberId: string): number;
  /** How far above the weighted mean a member may go; default 0.25. */
  readonly epsilon?: number;
}

/** Default ε: no member carries more than 1.25 × its share, rounded up. */
export const LOAD_EPSILON = 0.25;

const keyHash = new Uint64();
const memberHash = new Uint64();

/**
 * The member for a key; undefined when there is none. Without `load` it is the best ranked one, so
 * all processes with the same list agree. With `load` it is the best ranked one below its bound, so
 * that afterwards no member carries more than ceil(1.25 × mean): the answer then depends on what
 * the asker knows of the load, and the chosen member needs a lease. Cost: one short hash per
 * member.
 */
export function rendezvous<M extends RendezvousMember>(
  key: string,
  members: readonly M[],
  load?: CurrentLoad,
): M | undefined {
  if (load === undefined) return best(key, members);
  const bound = boundOf(members, total(members, load) + 1, load.epsilon ?? LOAD_EPSILON);
  return rankMembers(key, members).find((member) => load.of(member.id) < bound(member));
}

/** All members, best first; ties by id. Removing one leaves the order of the others as it was. */
export function rankMembers<M extends RendezvousMember>(key: string, members: readonly M[]): M[] {
  digest(key, keyHash);
  return members
    .map((member) => ({ member, score: score(member) }))
    .sort((a, b) => compare(a, b))
    .map(({ member }) => member);
}

/** Who looks after which key, and who was there when that was decided. */
export interface Assignment {
  readonly owners: ReadonlyMap<string, string>;
  readonly memberIds: ReadonlySet<string>;
}

/**
 * Places all keys within the bound of ceil((1 + ε) × weighted mean) per member and moves as few as
 * possible: when a member leaves, only its keys; when one joins, only keys that rank it above their
 * owner, plus what exceeds the smaller bound. Deterministic in its arguments; processes agree
 * only if they start from the same `previous`, so one process decides and the others are told.
 * @returns an empty assignment when there are no members. Cost: keys × members.
 */
export function assignBounded(
  keys: Iterable<string>,
  members: readonly RendezvousMember[],
  options: { readonly previous?: Assignment; readonly epsilon?: number } = {},
): Assignment {
  const sorted = [...new Set(keys)].sort();
  const memberIds = new Set(members.map((member) => member.id));
  const owners = new Map<string, string>();
  if (members.length === 0) return { owners, memberIds };

  const bound = boundOf(members, sorted.length, options.epsilon ?? LOAD_EPSILON);
  const loads = new Map<string, number>();
  const take = (key: string, member: RendezvousMember): boolean => {
    const load = loads.get(member.id) ?? 0;
    if (load >= bound(member)) return false;
    loads.set(member.id, load + 1);
    owners.set(key, member.id);
    return true;
  };
  const wishes = sorted.map((key) => wishOf(key, members, options.previous));
  // Those who stay come first, or a newcomer could push them out.
  const moving = wishes.filter(({ key, stay }) => stay === undefined || !take(key, stay));
  for (const { key, ranked } of moving) ranked.some((member) => take(key, member));
  return { owners, memberIds };
}

interface Wish {
  readonly key: string;
  readonly ranked: readonly RendezvousMember[];
  /** The owner so far, if it is still there and no newcomer ranks above it. */
  readonly stay: RendezvousMember | undefined;
}

function wishOf(
  key: string,
  members: readonly RendezvousMember[],
  previous: Assignment | undefined,
): Wish {
  const ranked = rankMembers(key, members);
  const ownerId = previous?.owners.get(key);
  const stay = ranked.find(
    (member) => member.id === ownerId || previous?.memberIds.has(member.id) === false,
  );
  return { key, ranked, stay: stay?.id === ownerId ? stay : undefined };
}

function best<M extends RendezvousMember>(key: string, members: readonly M[]): M | undefined {
  digest(key, keyHash);
  let winner: Scored<M> | undefined;
  for (const member of members) {
    const candidate = { member, score: score(member) };
    if (winner === undefined || compare(candidate, winner) < 0) winner = candidate;
  }
  return winner?.member;
}

interface Scored<M> {
  readonly member: M;
  readonly score: number;
}

function compare<M extends RendezvousMember>(a: Scored<M>, b: Scored<M>): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.member.id < b.member.id ? -1 : 1;
}

/**
 * -w / ln u, u uniform in (0, 1) from key and member: each member wins with probability w / Σ w.
 */
function score({ id, weight = 1 }: RendezvousMember): number {
  assert(weight > 0, `weight of ${id} is ${weight}`);
  const mixed = avalanche(digest(id, memberHash).xor(keyHash));
  // 52 bits and a half: never 0 and never rounded to 1.
  const u = ((mixed.high >>> 6) * 2 ** 26 + (mixed.low >>> 6) + 0.5) / 2 ** 52;
  return -weight / Math.log(u);
}

function total(members: readonly RendezvousMember[], load: CurrentLoad): number {
  return members.reduce((sum, member) => sum + load.of(member.id), 0);
}

/**
 * Most keys per member when there are `keyCount` in all. The bounds add up to at least keyCount.
 */
function boundOf(
  members: readonly RendezvousMember[],
  keyCount: number,
  epsilon: number,
): (member: RendezvousMember) => number {
  const weights = members.reduce((sum, { weight = 1 }) => sum + weight, 0);
  return ({ weight = 1 }) => Math.ceil(((1 + epsilon) * keyCount * weight) / weights);
}
