// How the list is asked for and how its answer is laid out. Pure.
import type { Room } from '../api/rooms.js';

export const filters = ['all', 'live', 'free', 'paid', 'ticket', 'private'] as const;
export type RoomFilter = (typeof filters)[number];

export const filterNames: Record<RoomFilter, string> = {
  all: 'All',
  live: 'Live',
  free: 'Free',
  paid: 'Paid',
  ticket: 'Ticket',
  private: 'Private',
};

export interface ListView {
  live: Room[];
  resting: Room[];
}

/**
 * Live rooms by viewers, the others as the server orders them. Stable while the numbers are equal.
 */
export function layOut(rooms: readonly Room[]): ListView {
  return {
    live: rooms
      .filter((room) => room.isLive)
      .sort((a, b) => b.viewers - a.viewers || a.model.name.localeCompare(b.model.name)),
    resting: rooms.filter((room) => !room.isLive),
  };
}
