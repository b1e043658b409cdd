// Applies a pushed change of a room (live or not, words, price) to what the page knows. Foreign
// input: what does not fit is ignored.
import type { Room } from '../api/rooms.js';
import { asText } from '../chat/chat-wire.js';

const SHOW_TYPES = ['free', 'paid', 'ticket', 'private'] as const;

export function applyTerms(room: Room, body: Record<string, unknown>): Room {
  const title = asText(body['title']);
  const topic = asText(body['topic']);
  const price = asText(body['price']);
  const ticket = asText(body['ticketMilli']);
  const showType = SHOW_TYPES.find((one) => one === body['showType']);
  const tags: unknown = body['tags'];
  return {
    ...room,
    ...(typeof body['live'] === 'boolean' ? { isLive: body['live'] } : {}),
    ...(title === undefined ? {} : { title }),
    ...(topic === undefined ? {} : { topic }),
    ...(price !== undefined && /^\d+$/.test(price) ? { pricePerMinMilli: price } : {}),
    ...(ticket !== undefined && /^\d+$/.test(ticket) ? { ticketMilli: ticket } : {}),
    ...(showType === undefined ? {} : { showType }),
    ...(Array.isArray(tags) ? { tags: tags.filter((one) => typeof one === 'string') } : {}),
  };
}

/** Whether entering costs something now. */
export function isPaid(room: Room): boolean {
  return room.pricePerMinMilli !== '0' || room.ticketMilli !== '0';
}
