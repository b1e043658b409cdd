// Asks for the reason of a decision that others will read.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { toProblem } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

export interface Decision {
  title: string;
  verb: string;
  label?: string;
  hint?: string;
  /** Runs with what was typed; the dialog stays and tells why when it fails. */
  run: (text: string) => Promise<unknown>;
}

interface ReasonDialogProps {
  decision: Decision;
  onDone: () => void;
  onClose: () => void;
}

export function ReasonDialog({ decision, onDone, onClose }: ReasonDialogProps) {
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const { title, verb, label = 'Reason', hint = 'Kept in the record.', run } = decision;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isBusy || text.trim() === '') return;
    setBusy(true);
    run(text.trim())
      .then(onDone)
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Field
          label={label}
          value={text}
          maxLength={200}
          autoFocus
          hint={hint}
          data-testid="reason"
          onChange={(event) => setText(event.target.value)}
        />
        {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
        <div className="row">
          <Button
            look="danger"
            type="submit"
            isBusy={isBusy}
            disabled={text.trim() === ''}
            data-testid="reason-send"
          >
            {verb}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
