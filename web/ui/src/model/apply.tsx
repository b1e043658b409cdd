// Becoming a model: the form, and afterwards where the application stands and why.
import type { Account } from '../api/accounts.js';
import { applyAsModel } from '../api/models.js';
import { useForm } from '../account/use-form.js';
import { reloadSession, sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Field, TextField } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

function ApplyForm({ user }: { user: Account }) {
  const form = useForm(async (fields) => {
    await applyAsModel({
      displayName: (fields['displayName'] ?? '').trim(),
      about: (fields['about'] ?? '').replace(/\s+/g, ' ').trim(),
    });
    await reloadSession();
  });
  return (
    <form className="stack" onSubmit={form.submit} noValidate>
      {form.problem && form.problem.errors.length === 0 ? (
        <Notice tone="error">{form.problem.message}</Notice>
      ) : null}
      <Field
        label="Stage name"
        name="displayName"
        defaultValue={user.username}
        maxLength={30}
        required
        hint="Shown on your bill and in the live list."
        error={form.fieldError('displayName')}
      />
      <TextField
        label="About your show"
        name="about"
        maxLength={1000}
        hint="What viewers may expect. You can leave it empty."
        error={form.fieldError('about')}
      />
      <div>
        <Button look="primary" size="large" type="submit" isBusy={form.isBusy}>
          Send application
        </Button>
      </div>
    </form>
  );
}

export function Apply({ user }: { user: Account }) {
  const model = useSelected(sessionStore, (session) => session.model);
  const isPending = model?.state === 'pending';
  return (
    <main className="page page-form" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">
          {isPending ? 'Your application is in' : 'Broadcast on Showbill'}
        </h1>
      </div>
      {isPending ? (
        <section className="panel stack">
          <p>
            The house looks at every application. When yours is approved, this page becomes your
            desk with the publishing address and your room.
          </p>
          <div>
            <Button onClick={() => void reloadSession()}>Check again</Button>
          </div>
        </section>
      ) : (
        <section className="panel stack">
          {model?.state === 'declined' ? (
            <Notice tone="error">
              Your last application was declined
              {model.reason === null ? '.' : `: ${model.reason}`} You may apply again.
            </Notice>
          ) : (
            <p className="muted">
              Tell us who you are on stage. After approval you broadcast with OBS or any other
              encoder and earn from tips and paid minutes.
            </p>
          )}
          <ApplyForm user={user} />
        </section>
      )}
    </main>
  );
}
