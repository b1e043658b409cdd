// Applies a pushed change of a room (live or not, words, price) to what the page knows. Foreign
// input: what does not fit is ignored.
import type { Room } from '../api/rooms.js';
import { asText } from '../chat/chat-wire.js';

export function applyTerms(room: Room, body: Record<string, unknown>): Room {
  const title = asText(body['title']);
  const topic = asText(body['topic']);
  const price = asText(body['price']);
  return {
    ...room,
    ...(typeof body['live'] === 'boolean' ? { isLive: body['live'] } : {}),
    ...(title === undefined ? {} : { title }),
    ...(topic === undefined ? {} : { topic }),
    ...(price !== undefined && /^\d+$/.test(price) ? { pricePerMinMilli: price } : {}),
  };
}

/** Whether entering costs something now. */
export function isPaid(room: Room): boolean {
  return room.pricePerMinMilli !== '0' || room.ticketMilli !== '0';
}
