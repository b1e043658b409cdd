// Where a user should connect: a hint, never a rule, since every worker serves everybody. Used by
// the site for connect tickets and by the gateway's /v1/route. Users keep their home worker by
// rendezvous hashing, so that the sockets of one user meet; the viewers of a huge room are kept on
// the smallest set of workers that carries them, because every worker with a listener costs Redis
// one delivery per message and joins fewer messages per frame.
import { LOAD_EPSILON, rankMembers } from './rendezvous.js';

export interface PlaceableMember {
  /** Unique among the members. */
  readonly id: string;
  /** Connections. */
  readonly load: number;
  readonly draining: boolean;
}

export interface Destination {
  readonly user: string;
  /** The room that the user is about to enter. */
  readonly room?: { readonly id: string; readonly viewers: number };
}

/** Viewers of one room for which one worker is enough. */
export const ROOM_VIEWERS_PER_WORKER = 5_000;
/** Below this many connections nobody counts as crowded. */
const CROWD_MIN = 100;

/**
 * All members that take new work, best first: those of the room's set before the others, within
 * each the uncrowded ones (at most 1.25 × the mean of connections) before the crowded, and then by
 * rendezvous of the user. Rooms with fewer than 5,000 viewers have no set. Adding one of n
 * members moves about 1/n of the users and of the rooms. Cost: two short hashes per member.
 */
export function placeUser<M extends PlaceableMember>(
  { user, room }: Destination,
  members: readonly M[],
): M[] {
  const open = members.filter((member) => !member.draining);
  const mean = open.reduce((sum, member) => sum + member.load, 0) / Math.max(1, open.length);
  const crowd = Math.max(CROWD_MIN, mean * (1 + LOAD_EPSILON));
  const set = roomSet(room, open);
  const rank = ({ id, load }: M): number => (set.has(id) ? 0 : 2) + (load <= crowd ? 0 : 1);
  // Sorting is stable: within one class the order of the hash remains.
  return rankMembers(user, open).sort((a, b) => rank(a) - rank(b));
}

function roomSet(
  room: Destination['room'],
  members: readonly PlaceableMember[],
): ReadonlySet<string> {
  if (room === undefined || room.viewers < ROOM_VIEWERS_PER_WORKER) {
    return new Set(members.map(({ id }) => id));
  }
  const size = Math.ceil((room.viewers + 1) / ROOM_VIEWERS_PER_WORKER);
  return new Set(
    rankMembers(`room:${room.id}`, members)
      .slice(0, size)
      .map(({ id }) => id),
  );
}
