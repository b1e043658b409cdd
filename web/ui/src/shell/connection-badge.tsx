// The state of the realtime connection: a quiet dot while all is well, words when it is not, and a
// notice when only the member can mend it.
import { createPortal } from 'react-dom';
import { connectionNotice, connectionWords } from '../realtime/connection-words.js';
import { realtimeStore, reconnect } from '../realtime/realtime.js';
import { useStore } from '../state/use-store.js';

export function ConnectionBadge() {
  const { status, reason } = useStore(realtimeStore);
  const isQuiet = status === 'online' || status === 'idle';
  const words = connectionWords(status);
  const notice = connectionNotice(status, reason);
  return (
    <span
      className="connection"
      data-testid="connection-state"
      data-state={status}
      role="status"
      title={words}
    >
      <span className="connection-dot" aria-hidden="true" />
      <span className={isQuiet ? 'visually-hidden' : 'connection-words'}>{words}</span>
      {notice !== undefined && createPortal(<Notice {...notice} />, document.body)}
    </span>
  );
}

function Notice({ text, mayRetry }: { readonly text: string; readonly mayRetry: boolean }) {
  return (
    <div className="connection-notice" data-testid="connection-notice" role="alert">
      <span>{text}</span>
      {mayRetry && (
        <button type="button" className="button" onClick={reconnect}>
          Try again
        </button>
      )}
    </div>
  );
}
