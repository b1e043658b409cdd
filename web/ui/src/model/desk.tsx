// The desk of an approved model: live state, publishing, room, earnings.
import { useEffect, useRef } from 'react';
import { fetchModelDesk } from '../api/models.js';
import type { ModelDesk } from '../api/models.js';
import { joinChannel } from '../realtime/realtime.js';
import { Link } from '../router/link.js';
import { Earnings } from './earnings.js';
import { Publishing } from './publishing.js';
import { RoomForm } from './room-form.js';

interface DeskProps {
  desk: ModelDesk;
  onChange: (desk: ModelDesk) => void;
  onReload: () => void;
}

const refreshEveryMs = 10_000;

/** Live state and earnings follow the house without a reload of the page. */
function useDeskUpdates(roomId: string, onChange: (desk: ModelDesk) => void): void {
  const onChangeRef = useRef(onChange);
  onChangeRef.current = onChange;
  useEffect(() => {
    const refresh = (): void => {
      if (document.visibilityState !== 'visible') return;
      fetchModelDesk()
        .then((desk) => onChangeRef.current(desk))
        .catch(() => undefined);
    };
    const lobby = joinChannel('lobby', {
      onMessage: ({ body }) => {
        const rooms = body['rooms'];
        if (!Array.isArray(rooms) || rooms.includes(roomId)) refresh();
      },
    });
    const clock = window.setInterval(refresh, refreshEveryMs);
    return () => {
      lobby.leave();
      window.clearInterval(clock);
    };
  }, [roomId]);
}

function LiveState({ desk }: { desk: ModelDesk }) {
  return (
    <div className={desk.isLive ? 'desk-state is-live' : 'desk-state'} role="status">
      {desk.isLive ? (
        <span className="badge badge-live">LIVE</span>
      ) : (
        <span className="badge badge-outline">OFFLINE</span>
      )}
      <span>
        {desk.isLive
          ? 'You are on stage. Viewers see your broadcast now.'
          : 'Start your encoder and you are live within seconds.'}
      </span>
      <Link className="button" href={`/r/${encodeURIComponent(desk.room.slug)}`}>
        Open my room and chat
      </Link>
    </div>
  );
}

export function Desk({ desk, onChange, onReload }: DeskProps) {
  useDeskUpdates(desk.room.id, onChange);
  return (
    <main className="page page-narrow" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">Your show</h1>
      </div>
      <LiveState desk={desk} />
      <div className="desk-grid">
        <div className="stack desk-column">
          <Publishing desk={desk} onNewKey={(keyMasked) => onChange({ ...desk, keyMasked })} />
          <Earnings earnings={desk.earnings} onReload={onReload} />
        </div>
        <RoomForm
          key={desk.room.id}
          room={desk.room}
          onSaved={(room) => onChange({ ...desk, room })}
        />
      </div>
    </main>
  );
}
