// What a viewer may do beside watching: ask for a private show, report the room.
import { useEffect, useState } from 'react';
import { askPrivate, cancelPrivate, fetchOwnRequest } from '../api/broadcast.js';
import type { PrivateRequest } from '../api/broadcast.js';
import { toProblem } from '../api/problem.js';
import type { Room } from '../api/rooms.js';
import { formatCreditsUnit } from '../format/credits.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { FlagIcon, LockIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';

const refreshEveryMs = 4000;

const answers: Record<PrivateRequest['state'], string> = {
  open: 'You have asked. The model sees it now.',
  accepted: 'Accepted. Your private show is open.',
  refused: 'Not now.',
  cancelled: 'You have taken your wish back.',
  expired: 'There was no answer in time.',
  ended: 'The private show has ended.',
};

/** The own wish, read again while it is open. */
function useOwnRequest(slug: string, isOffered: boolean) {
  const [request, setRequest] = useState<PrivateRequest>();
  const isOpen = request?.state === 'open';
  useEffect(() => {
    if (!isOffered) return undefined;
    let isLeft = false;
    const read = (): void => {
      fetchOwnRequest(slug)
        .then((answer) => {
          if (!isLeft) setRequest(answer.request);
        })
        // Nothing was asked, or the site is away.
        .catch(() => undefined);
    };
    read();
    const clock = isOpen ? window.setInterval(read, refreshEveryMs) : undefined;
    return () => {
      isLeft = true;
      window.clearInterval(clock);
    };
  }, [slug, isOpen, isOffered]);
  return { request, setRequest };
}

function AskDialog({ room, onAsked, onClose }: AskDialogProps) {
  const [note, setNote] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const terms = room.privateShow;
  if (terms === null) return null;
  const ask = (): void => {
    setBusy(true);
    askPrivate(room.slug, note.trim())
      .then(({ request }) => onAsked(request))
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={`A private show with ${room.model.name}`} onClose={onClose}>
      <div className="stack">
        <p>
          <strong className="number">{formatCreditsUnit(terms.priceMilliPerMin)}</strong> per minute
          {terms.minimumSec > 0 ? `, at least ${String(Math.ceil(terms.minimumSec / 60))} min` : ''}
          {terms.graceSec > 0 ? `, the first ${String(terms.graceSec)} s free` : ''}. Nothing is
          charged before you enter.
        </p>
        <Field
          label="Note (optional)"
          value={note}
          maxLength={200}
          onChange={(event) => setNote(event.target.value)}
        />
        {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
        <Button look="primary" isBusy={isBusy} onClick={ask} data-testid="private-send">
          Ask
        </Button>
      </div>
    </Dialog>
  );
}

interface AskDialogProps {
  room: Room;
  onAsked: (request: PrivateRequest) => void;
  onClose: () => void;
}

export function ViewerActions({ room, onReport }: { room: Room; onReport: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const { request, setRequest } = useOwnRequest(room.slug, room.privateShow !== null);
  const isOpen = request?.state === 'open';
  const isOffered = room.privateShow !== null && room.isLive && !room.isPrivate;
  const cancel = (): void => {
    cancelPrivate(room.slug)
      .then(() => setRequest(request && { ...request, state: 'cancelled' }))
      .catch(() => undefined);
  };
  return (
    <div className="viewer-actions row">
      {isOffered && !isOpen ? (
        <Button
          size="small"
          icon={<LockIcon />}
          onClick={() => setAsking(true)}
          data-testid="private-ask"
        >
          Ask for a private show
        </Button>
      ) : null}
      {request && (isOpen || request.state === 'refused') ? (
        <span role="status" data-testid="private-state" data-state={request.state}>
          {answers[request.state]} {request.state === 'refused' ? request.reason : ''}
        </span>
      ) : null}
      {isOpen ? (
        <Button size="small" onClick={cancel}>
          Take it back
        </Button>
      ) : null}
      <Button
        size="small"
        look="quiet"
        icon={<FlagIcon />}
        onClick={onReport}
        data-testid="report-room"
      >
        Report
      </Button>
      {isAsking ? (
        <AskDialog
          room={room}
          onClose={() => setAsking(false)}
          onAsked={(made) => {
            setRequest(made);
            setAsking(false);
          }}
        />
      ) : null}
    </div>
  );
}
