// Billing's news in the channels of the gateway: message kinds, bodies and delivery classes.
// main.ts passes the gateway's publisher; tests pass a list.
import { formatCredits } from './money.js';
import type { Notifier } from './ports.js';
import type { EndReason } from './schema.js';

/** The part of the gateway's Publisher that is used here. */
export interface ChannelPublisher {
  publish(
    channel: string,
    request: {
      readonly kind: 'b' | 't' | 'n' | 'x';
      readonly body: Record<string, unknown>;
    } & (
      | { readonly cls: 'reliable'; readonly mid?: string }
      | { readonly cls: 'latest'; readonly key?: string; readonly version?: number }
    ),
  ): Promise<unknown>;
}

const MINUTE_MS = 60_000;

const REASONS: Readonly<Record<EndReason, string>> = {
  left: 'You left the show.',
  insufficient_credit: 'Your credits are used up.',
  stale: 'The connection to the show was lost.',
  show_ended: 'The show has ended.',
  room_closed: 'The room was closed.',
  time_limit: 'The time limit of the show is reached.',
  spend_limit: 'Your spending limit is reached.',
  price_changed: 'The price has changed; please enter again if you agree.',
  kicked: 'You were removed from the show.',
  banned: 'You were banned from the room.',
  frozen: 'Your wallet is frozen; please ask support.',
  admin: 'The show was ended by the site.',
};

export function createNotifier(publisher: ChannelPublisher): Notifier {
  return {
    async balance(userId, { owned, held, version }) {
      const body = { amount: String(owned), held: String(held), version };
      // Version 0 is a wallet that never moved; the store takes positive versions only.
      await publisher.publish(`user:${userId}`, {
        ...{ kind: 'b', cls: 'latest', key: 'b', body, version: Math.max(1, version) },
      });
    },
    async tip(roomId, { key, from, amount, text }) {
      const body = { from, amount: String(amount), ...(text === undefined ? {} : { text }) };
      await publisher.publish(`room:${roomId}`, { kind: 't', cls: 'reliable', mid: key, body });
    },
    async tipNote(userId, { key, from, amount, text = '', roomId }) {
      const title = `${from.name} tipped ${formatCredits(amount)} credits`;
      const body = { id: `note-${key}`, kind: 'tip-note', room: roomId, title, text };
      const mid = `note-${key}`;
      await publisher.publish(`user:${userId}`, { kind: 'n', cls: 'reliable', mid, body });
    },
    async priceChanged(userId, { sessionId, roomId, price, model, unitMs, version }) {
      const minutes = Number(unitMs) / MINUTE_MS;
      const per = model === 'u' && minutes !== 1 ? `${minutes} minutes` : 'minute';
      const mid = `price-${sessionId}-${version}`;
      const body = {
        ...{ id: mid, kind: 'price_changed', room: roomId, priceMilli: String(price) },
        title: `The show now costs ${formatCredits(price)} credits per ${per}.`,
      };
      await publisher.publish(`user:${userId}`, { kind: 'n', cls: 'reliable', mid, body });
    },
    async cut(userId, { sessionId, roomId, reason }) {
      const body = { kind: 'cutoff', reason, room: roomId, title: REASONS[reason] };
      const mid = `cut-${sessionId}`;
      await publisher.publish(`user:${userId}`, { kind: 'x', cls: 'reliable', mid, body });
    },
    async showOver({ roomId, performerId, beganMs, maxMs }) {
      const mid = `show-over-${roomId}-${beganMs}`;
      const body = { id: mid, kind: 'show_over', room: roomId, reason: 'time_limit' };
      const title = `Your show has reached its time limit of ${durationOf(maxMs)} and was ended.`;
      const toModel = { kind: 'n', cls: 'reliable', mid, body: { ...body, title } } as const;
      await publisher.publish(`user:${performerId}`, toModel);
      const toRoom = { ...body, title: 'The show has reached its time limit.' };
      await publisher.publish(`room:${roomId}`, { kind: 'n', cls: 'reliable', mid, body: toRoom });
    },
    async lowBalance(userId, { sessionId, roomId, secondsLeft, level }) {
      const mid = `low-${sessionId}-${level}-${Math.floor(Date.now() / 10_000)}`;
      const body = {
        ...{ id: mid, kind: 'low_balance', room: roomId, secondsLeft },
        title: `Your credits last for ${secondsLeft} more seconds.`,
      };
      await publisher.publish(`user:${userId}`, { kind: 'n', cls: 'reliable', mid, body });
    },
  };
}

/** Such as `90 minutes` or `45 seconds`. */
function durationOf(ms: number): string {
  const isWhole = ms % MINUTE_MS === 0;
  const [count, unit] = isWhole ? [ms / MINUTE_MS, 'minute'] : [ms / 1_000, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
