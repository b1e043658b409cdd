// Orders from the rest of the backend to all gateways: end a user's connections, take users out of
// a room. They travel over the bus (at most once). What was issued to those users before is refused
// from then on (revocations.ts); whether they get anything new is for the site and for bans to say.
import type { Bus } from '../cluster/index.js';
import { isFields } from './protocol/index.js';

export const CONTROL_TOPIC = 'gateway.control';
export const EVERY_ROOM = '*';

export type ControlOrder =
  | {
      /** Closes all connections of an account with 4003; its tokens and tickets end with them. */
      readonly do: 'disconnect';
      readonly user: string;
    }
  | {
      /** Ends subscriptions of a room: of one user, or of all but those who may stay. */
      readonly do: 'evict';
      /** EVERY_ROOM, with `user`: wherever that user is. */
      readonly room: string;
      readonly user?: string;
      /** Users who stay when `user` is absent, such as holders of a ticket for the show. */
      readonly keep?: readonly string[];
      /** Machine-readable; shown to the evicted. */
      readonly reason: string;
      /** Where they should go instead. */
      readonly redirect?: string;
    };

export interface GatewayControl {
  /** Resolves when the order was handed to the bus. */
  send(order: ControlOrder): Promise<void>;
}

export function createGatewayControl(bus: Bus): GatewayControl {
  return { send: (order) => bus.publish(CONTROL_TOPIC, JSON.stringify(order)) };
}

/** @returns undefined for what is no order */
export function parseControlOrder(payload: Buffer): ControlOrder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isFields(value)) return undefined;
  const { do: verb, user, room, keep, reason, redirect } = value;
  if (verb === 'disconnect' && typeof user === 'string') return { do: verb, user };
  if (verb !== 'evict' || typeof room !== 'string') return undefined;
  return {
    do: verb,
    room,
    reason: typeof reason === 'string' ? reason : 'evicted',
    ...(typeof user === 'string' ? { user } : {}),
    ...(Array.isArray(keep) ? { keep: keep.filter((id) => typeof id === 'string') } : {}),
    ...(typeof redirect === 'string' ? { redirect } : {}),
  };
}
