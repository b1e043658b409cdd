// The end of an account, behind a dialog that asks for the password.
import { useState } from 'react';
import { closeAccount } from '../api/account-security.js';
import { forgetSession } from '../session/session.js';
import { navigate } from '../router/router.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from './use-form.js';

function CloseDialog({ onClose }: { onClose: () => void }) {
  const form = useForm(async (fields) => {
    await closeAccount(fields['password'] ?? '');
    forgetSession();
    navigate('/');
  });
  return (
    <Dialog title="Close your account?" onClose={onClose}>
      <form className="stack" onSubmit={form.submit} noValidate>
        <p>
          Your name and profile are removed and you cannot log in again. Remaining credits are lost.
        </p>
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          error={form.fieldError('password')}
        />
        <div className="row">
          <Button look="danger" type="submit" isBusy={form.isBusy}>
            Close the account
          </Button>
          <Button onClick={onClose}>Keep it</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function ClosePanel() {
  const [isAsking, setAsking] = useState(false);
  return (
    <section className="panel stack" aria-label="Close the account">
      <h2>Close the account</h2>
      <p className="muted">This cannot be undone.</p>
      <div>
        <Button look="danger" onClick={() => setAsking(true)}>
          Close my account
        </Button>
      </div>
      {isAsking ? <CloseDialog onClose={() => setAsking(false)} /> : null}
    </section>
  );
}
