// The desk of an approved model: on stage (publishing, health, private shows), the room, money.
import { useEffect, useRef, useState } from 'react';
import { fetchModelDesk } from '../api/models.js';
import type { ModelDesk } from '../api/models.js';
import { BrowserPanel } from '../broadcast/browser-panel.js';
import { HealthPanel } from '../broadcast/health-panel.js';
import { useBroadcast } from '../broadcast/use-broadcast.js';
import { joinChannel, onNews } from '../realtime/realtime.js';
import { Notice } from '../ui/notice.js';
import { Earnings } from './earnings.js';
import { Payouts } from './payouts.js';
import { PrivatePanel } from './private-panel.js';
import { Publishing } from './publishing.js';
import { RecordingsPanel } from './recordings-panel.js';
import { RoomForm } from './room-form.js';
import { ScheduleEditor } from './schedule-editor.js';

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

/** Why billing has ended the show, until the next one is on the air. */
function useEnded(isLive: boolean): string | undefined {
  const [ended, setEnded] = useState<string>();
  useEffect(
    () =>
      onNews(({ kind, title }) => {
        if (kind === 'show_over') setEnded(title);
      }),
    [],
  );
  useEffect(() => {
    if (isLive) setEnded(undefined);
  }, [isLive]);
  return ended;
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
      {/* Beside this page, because a broadcast from this browser ends with it. */}
      <a
        className="button"
        href={`/r/${encodeURIComponent(desk.room.slug)}`}
        target="_blank"
        rel="noopener"
      >
        Open my room and chat<span className="visually-hidden"> in a new tab</span>
      </a>
    </div>
  );
}

const tabs = [
  ['stage', 'On stage'],
  ['room', 'Room'],
  ['money', 'Earnings'],
] as const;

type Tab = (typeof tabs)[number][0];

function Stage({ desk, onChange }: Omit<DeskProps, 'onReload'>) {
  const broadcast = useBroadcast();
  const isHere = broadcast.state === 'live';
  return (
    <div className="desk-grid">
      <div className="stack desk-column">
        <BrowserPanel broadcast={broadcast} isLiveElsewhere={desk.isLive && !isHere} />
        <Publishing desk={desk} onNewKey={(keyMasked) => onChange({ ...desk, keyMasked })} />
      </div>
      <div className="stack desk-column">
        <PrivatePanel room={desk.room} onRoom={(room) => onChange({ ...desk, room })} />
        <HealthPanel isLive={desk.isLive || isHere} own={broadcast.figures} />
      </div>
    </div>
  );
}

export function Desk({ desk, onChange, onReload }: DeskProps) {
  const [tab, setTab] = useState<Tab>('stage');
  const ended = useEnded(desk.isLive);
  useDeskUpdates(desk.room.id, onChange);
  return (
    <main className="page page-narrow" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">Your show</h1>
        <div className="segmented" role="group" aria-label="Part of the desk">
          {tabs.map(([value, name]) => (
            <button
              key={value}
              type="button"
              aria-pressed={tab === value}
              data-testid={`desk-${value}`}
              onClick={() => setTab(value)}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      <LiveState desk={desk} />
      {ended === undefined ? null : (
        <Notice tone="error">
          <span data-testid="show-over">{ended}</span>
        </Notice>
      )}
      {/* Stays in the page: a broadcast from this browser goes on while one looks elsewhere. */}
      <div hidden={tab !== 'stage'}>
        <Stage desk={desk} onChange={onChange} />
      </div>
      {tab === 'room' ? (
        <div className="desk-grid">
          <RoomForm
            key={desk.room.id}
            room={desk.room}
            onSaved={(room) => onChange({ ...desk, room })}
          />
          <div className="stack desk-column">
            <ScheduleEditor />
            <RecordingsPanel />
          </div>
        </div>
      ) : null}
      {tab === 'money' ? (
        <div className="desk-grid">
          <Earnings earnings={desk.earnings} onReload={onReload} />
          <Payouts total={desk.earnings?.total} />
        </div>
      ) : null}
    </main>
  );
}
