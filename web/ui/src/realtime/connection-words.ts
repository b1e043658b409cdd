// The state of the realtime connection in words, and the way out where the member has one.
import type { RealtimeStatus } from './realtime.js';

const words: Record<RealtimeStatus, string> = {
  idle: 'Not connected',
  connecting: 'Connecting',
  online: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Disconnected',
};

/** Why a gateway closed a connection for good; reasons of the rt1 protocol, codes 4000 … 4099. */
const reasons: Record<string, string> = {
  too_many_connections:
    'You have Showbill open in too many tabs or devices. Close one of them, then try again.',
  banned: 'This account has been disconnected.',
  bad_token: 'Your session has ended. Please log in again.',
};

export function connectionWords(status: RealtimeStatus): string {
  return words[status];
}

/** What the member should read and do; undefined while the client helps itself. */
export function connectionNotice(
  status: RealtimeStatus,
  reason = '',
): { readonly text: string; readonly mayRetry: boolean } | undefined {
  const text = status === 'closed' ? reasons[reason] : undefined;
  return text === undefined ? undefined : { text, mayRetry: reason === 'too_many_connections' };
}
