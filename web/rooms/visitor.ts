// Who stands at a room's door: an account or an anonymous browser with a random id of its own.
import type { User } from '../db/entities/user.js';
import type { Room } from '../db/entities/room.js';

export type Visitor =
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'anon'; readonly anonId: string };

/** `sub` of the visitor's tokens. */
export function visitorSub(visitor: Visitor): string {
  return visitor.kind === 'user' ? visitor.user.id : `anon:${visitor.anonId}`;
}

/** Who owes nothing in a room: its own performer and admins. */
export type FreeLevel = 'performer' | 'admin';

export function freeLevel(visitor: Visitor, room: Room): FreeLevel | undefined {
  if (visitor.kind !== 'user') return undefined;
  if (visitor.user.id === room.performerId) return 'performer';
  return visitor.user.isAdmin ? 'admin' : undefined;
}

export type RoomLevel = 'view' | 'participant' | 'moderator' | FreeLevel;

/** What the visitor may do in the room once inside. */
export function roomLevel(visitor: Visitor, room: Room, isModerator: boolean): RoomLevel {
  if (visitor.kind === 'anon') return 'view';
  return freeLevel(visitor, room) ?? (isModerator ? 'moderator' : 'participant');
}
