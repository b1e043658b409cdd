// The state of the realtime connection: a quiet dot while all is well, words when it is not.
import { realtimeStore } from '../realtime/realtime.js';
import type { RealtimeStatus } from '../realtime/realtime.js';
import { useStore } from '../state/use-store.js';

const words: Record<RealtimeStatus, string> = {
  idle: 'Not connected',
  connecting: 'Connecting',
  online: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Disconnected',
};

export function ConnectionBadge() {
  const { status } = useStore(realtimeStore);
  const isQuiet = status === 'online' || status === 'idle';
  return (
    <span
      className="connection"
      data-testid="connection-state"
      data-state={status}
      role="status"
      title={words[status]}
    >
      <span className="connection-dot" aria-hidden="true" />
      <span className={isQuiet ? 'visually-hidden' : 'connection-words'}>{words[status]}</span>
    </span>
  );
}
