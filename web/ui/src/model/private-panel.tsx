// Who asks for a private show, and the one that is on.
import { useEffect, useState } from 'react';
import {
  acceptPrivate,
  endPrivate,
  fetchPrivateRequests,
  refusePrivate,
} from '../api/broadcast.js';
import type { AskedPrivate } from '../api/broadcast.js';
import { fetchModelDesk } from '../api/models.js';
import type { ModelRoom } from '../api/models.js';
import { formatCredits } from '../format/credits.js';
import { onNews } from '../realtime/realtime.js';
import { useActing } from '../state/use-acting.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';

interface PrivatePanelProps {
  room: ModelRoom;
  onRoom: (room: ModelRoom) => void;
}

const refreshEveryMs = 10_000;

function terms({ priceMilliPerMin, minimumSec, graceSec }: AskedPrivate): string {
  const parts = [`${formatCredits(priceMilliPerMin)} / min`];
  if (minimumSec > 0) parts.push(`at least ${String(Math.ceil(minimumSec / 60))} min`);
  if (graceSec > 0) parts.push(`${String(graceSec)} s free`);
  return parts.join(' · ');
}

function useRequests() {
  const load = useLoad(fetchPrivateRequests, []);
  const { reload } = load;
  useEffect(() => {
    const clock = window.setInterval(reload, refreshEveryMs);
    const unsubscribe = onNews(reload);
    return () => {
      window.clearInterval(clock);
      unsubscribe();
    };
  }, [reload]);
  return load;
}

/** Why the last private show ended by itself, in the site's words; the room is read again then. */
function useOver(isOn: boolean, onRoom: (room: ModelRoom) => void): string | undefined {
  const [over, setOver] = useState<string>();
  useEffect(
    () =>
      onNews(({ kind, title }) => {
        if (kind !== 'private-over') return;
        setOver(title);
        fetchModelDesk()
          .then(({ room }) => onRoom(room))
          .catch(() => undefined);
      }),
    [onRoom],
  );
  return isOn ? undefined : over;
}

interface AskedRowProps {
  asked: AskedPrivate;
  isBusy: boolean;
  onAccept: () => void;
  onRefuse: () => void;
}

function AskedRow({ asked, isBusy, onAccept, onRefuse }: AskedRowProps) {
  return (
    <li className="application" data-testid="private-request">
      <div className="application-head">
        <h3>{asked.username}</h3>
        <p className="muted number">{terms(asked)}</p>
      </div>
      {asked.note === '' ? null : <p>{asked.note}</p>}
      <div className="row">
        <Button look="primary" isBusy={isBusy} onClick={onAccept}>
          Accept
        </Button>
        <Button isBusy={isBusy} onClick={onRefuse}>
          Not now
        </Button>
      </div>
    </li>
  );
}

export function PrivatePanel({ room, onRoom }: PrivatePanelProps) {
  const { data, problem: away, reload } = useRequests();
  const { isBusy, failure, run: act } = useActing(reload);
  const requests = data?.requests ?? [];
  const isOn = room.privateViewerId !== null;
  const over = useOver(isOn, onRoom);
  if (room.privateShow === null && requests.length === 0 && !isOn && over === undefined) {
    return null;
  }
  return (
    <section className="panel stack" aria-label="Private shows">
      <h2>Private shows</h2>
      {failure === undefined ? null : <Notice tone="error">{failure}</Notice>}
      {away ? <Notice tone="error">{away.message}</Notice> : null}
      {over === undefined ? null : (
        <Notice tone="done">
          <span data-testid="private-over">{over}</span>
        </Notice>
      )}
      {isOn ? (
        <>
          <Notice tone="done">A private show is on. Nobody else sees your picture.</Notice>
          <div>
            <Button
              look="danger"
              isBusy={isBusy}
              onClick={() => act(endPrivate().then((answer) => onRoom(answer.room)))}
            >
              End the private show
            </Button>
          </div>
        </>
      ) : null}
      {requests.length === 0 && !isOn ? <p className="muted">Nobody asks at the moment.</p> : null}
      <ul className="application-list">
        {requests.map((asked) => (
          <AskedRow
            key={asked.id}
            asked={asked}
            isBusy={isBusy}
            onAccept={() => act(acceptPrivate(asked.id).then((answer) => onRoom(answer.room)))}
            onRefuse={() => act(refusePrivate(asked.id, ''))}
          />
        ))}
      </ul>
    </section>
  );
}
