// Asking for credits back: why, in a dialog. The site decides.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { askForRefund } from '../api/credits.js';
import type { RefundKind } from '../api/credits.js';
import { toProblem } from '../api/problem.js';
import { createStore } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { TextField } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

const reasonMax = 500;

/** Grows with every request that was made, so that the list of them can follow. */
export const refundsAsked = createStore(0);

interface RefundProps {
  kind: RefundKind;
  reference: string;
  /** As it stands behind "Refund for". */
  what: string;
}

function RefundDialog({ kind, reference, what, onClose }: RefundProps & { onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [state, setState] = useState<'open' | 'busy' | 'done'>('open');
  const [problem, setProblem] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (state !== 'open' || reason.trim() === '') return;
    setState('busy');
    askForRefund({ kind, ref: reference, reason: reason.trim() })
      .then(() => {
        setState('done');
        refundsAsked.update((count) => count + 1);
      })
      .catch((error: unknown) => {
        setProblem(toProblem(error).message);
        setState('open');
      });
  };
  return (
    <Dialog title={`Refund for ${what}`} onClose={onClose}>
      {state === 'done' ? (
        <div className="stack">
          <Notice tone="done">We have your request and answer on this page.</Notice>
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </div>
      ) : (
        <form className="stack" onSubmit={submit}>
          <TextField
            label="What went wrong?"
            rows={4}
            required
            maxLength={reasonMax}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
          {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
          <Button
            look="primary"
            type="submit"
            isBusy={state === 'busy'}
            disabled={reason.trim() === ''}
          >
            Ask for a refund
          </Button>
        </form>
      )}
    </Dialog>
  );
}

export function RefundButton(props: RefundProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="link-button" onClick={() => setOpen(true)}>
        Refund<span className="visually-hidden"> for {props.what}</span>
      </button>
      {isOpen ? <RefundDialog {...props} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
