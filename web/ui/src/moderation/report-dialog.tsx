// Telling the moderators about a message or a room.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { reportReasons, sendReport } from '../api/moderation.js';
import type { ReportReason } from '../api/moderation.js';
import { toProblem } from '../api/problem.js';
import type { ChatLine } from '../chat/chat-log.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { TextField } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';

interface ReportDialogProps {
  slug: string;
  /** Undefined = the room itself. */
  line: ChatLine | undefined;
  onClose: () => void;
}

function aboutLine(line: ChatLine | undefined): { mid?: string; author?: string; text?: string } {
  if (!line) return {};
  const { mid, from, text } = line;
  return {
    ...(mid === undefined ? {} : { mid }),
    ...(from === undefined ? {} : { author: from.name }),
    text,
  };
}

export function ReportDialog({ slug, line, onClose }: ReportDialogProps) {
  const [reason, setReason] = useState<ReportReason>('abuse');
  const [note, setNote] = useState('');
  const [state, setState] = useState<'open' | 'busy' | 'done'>('open');
  const [problem, setProblem] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (state !== 'open') return;
    setState('busy');
    const words = note.trim();
    sendReport(slug, { ...aboutLine(line), reason, ...(words === '' ? {} : { note: words }) })
      .then(() => setState('done'))
      .catch((error: unknown) => {
        setProblem(toProblem(error).message);
        setState('open');
      });
  };
  return (
    <Dialog title={line ? 'Report this message' : 'Report this room'} onClose={onClose}>
      {state === 'done' ? (
        <div className="stack">
          <Notice tone="done">Thank you. The moderators look at it.</Notice>
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </div>
      ) : (
        <form className="stack" onSubmit={submit}>
          {line ? <p className="quote-box">{line.text}</p> : null}
          <Select
            label="What is wrong?"
            value={reason}
            options={reportReasons}
            testId="report-reason"
            onChange={setReason}
          />
          <TextField
            label="Anything to add? (optional)"
            rows={3}
            maxLength={500}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
          {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
          <Button look="primary" type="submit" isBusy={state === 'busy'} data-testid="report-send">
            Send report
          </Button>
        </form>
      )}
    </Dialog>
  );
}
