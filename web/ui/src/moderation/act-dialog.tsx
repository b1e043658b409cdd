// What a moderator does about one line of chat: delete, pin, mute, shadow mute or ban its author,
// with a reason.
import { useRef, useState } from 'react';
import { moderate } from '../api/moderation.js';
import { toProblem } from '../api/problem.js';
import type { ChatLine } from '../chat/chat-log.js';
import { newMid } from '../realtime/realtime.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';

const spans = [
  ['300', '5 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['', 'Until it is lifted'],
] as const;

type Span = (typeof spans)[number][0];

export function ActDialog({ slug, line, onClose }: ActDialogProps) {
  const [reason, setReason] = useState('');
  const [span, setSpan] = useState<Span>('3600');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const keys = useRef(new Map<string, string>());
  const { from, offset } = line;
  const act = (
    action: string,
    target: { user?: string; offset?: number; seconds?: number },
  ): void => {
    // A second press of the same button is the same command.
    const about = JSON.stringify([action, target, reason]);
    const key = keys.current.get(about) ?? newMid();
    keys.current.set(about, key);
    setBusy(true);
    const words = reason.trim();
    moderate(slug, { key, action, ...target, ...(words === '' ? {} : { reason: words }) })
      .then(onClose)
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  const about = from === undefined ? {} : { user: from.id };
  const seconds = span === '' ? {} : { seconds: Number(span) };
  const name = from?.name ?? 'this person';
  return (
    <Dialog title={`Message of ${name}`} onClose={onClose}>
      <div className="stack" data-testid="act-dialog">
        <p className="quote-box">{line.text}</p>
        <div className="row">
          <Button
            isBusy={isBusy}
            onClick={() => act('delete', offset === undefined ? {} : { offset })}
          >
            Delete
          </Button>
          <Button
            isBusy={isBusy}
            onClick={() => act('pin', offset === undefined ? {} : { offset })}
          >
            Pin
          </Button>
          <Button isBusy={isBusy} onClick={() => act('clear-user', about)}>
            Delete all of {name}
          </Button>
        </div>
        <div className="field-pair">
          <Select label="For" value={span} options={spans} onChange={setSpan} />
          <Field
            label="Reason"
            value={reason}
            maxLength={200}
            hint="Kept in the record."
            onChange={(event) => setReason(event.target.value)}
          />
        </div>
        {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
        <div className="row">
          <Button isBusy={isBusy} onClick={() => act('mute', { ...about, ...seconds })}>
            Mute {name}
          </Button>
          <Button
            isBusy={isBusy}
            title="Only they still see what they write."
            onClick={() => act('shadow', { ...about, ...seconds })}
          >
            Shadow mute
          </Button>
          <Button
            look="danger"
            isBusy={isBusy}
            onClick={() => act('ban', { ...about, ...seconds })}
          >
            Ban {name}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

interface ActDialogProps {
  slug: string;
  line: ChatLine;
  onClose: () => void;
}
