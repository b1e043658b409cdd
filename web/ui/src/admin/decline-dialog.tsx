// Asks for the reason of a refusal; the applicant reads it.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';

interface DeclineDialogProps {
  name: string;
  onDecline: (reason: string) => void;
  onClose: () => void;
}

export function DeclineDialog({ name, onDecline, onClose }: DeclineDialogProps) {
  const [reason, setReason] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (reason.trim() !== '') onDecline(reason.trim());
  };
  return (
    <Dialog title={`Decline ${name}?`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Field
          label="Reason"
          value={reason}
          maxLength={200}
          autoFocus
          hint="The applicant reads this and may apply again."
          onChange={(event) => setReason(event.target.value)}
        />
        <div className="row">
          <Button look="danger" type="submit" disabled={reason.trim() === ''}>
            Decline
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
