// The ways back in by mail: ask for a reset link, choose a new password, confirm an address.
import { useEffect, useRef, useState } from 'react';
import { activateAccount, requestReset, resetPassword } from '../api/account-security.js';
import { toProblem } from '../api/problem.js';
import { Link } from '../router/link.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { AuthFrame } from './auth-frame.js';
import { useForm } from './use-form.js';

export function ForgotPage() {
  const [done, setDone] = useState<string>();
  const form = useForm(async (fields) => {
    const { message } = await requestReset((fields['login'] ?? '').trim());
    setDone(message);
  });
  return (
    <AuthFrame title="Forgot the password?">
      <form className="stack" onSubmit={form.submit} noValidate>
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        {done === undefined ? null : <Notice tone="done">{done}</Notice>}
        <Field
          label="Name or e-mail"
          name="login"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          hint="We send a link with which you choose a new password."
          error={form.fieldError('login')}
        />
        <Button look="primary" size="large" type="submit" isBusy={form.isBusy}>
          Send the link
        </Button>
      </form>
      <p className="auth-other">
        <Link href="/login">Back to log in</Link>
      </p>
    </AuthFrame>
  );
}

export function ResetPage({ token }: { token: string }) {
  const [isDone, setDone] = useState(false);
  const form = useForm(async (fields) => {
    await resetPassword({ token, password: fields['password'] ?? '' });
    setDone(true);
  });
  const linkError = form.fieldError('token');
  return (
    <AuthFrame title="A new password">
      {isDone ? (
        <div className="stack">
          <Notice tone="done">The password is changed. All devices were logged out.</Notice>
          <Link className="button button-primary button-large" href="/login">
            Log in
          </Link>
        </div>
      ) : (
        <form className="stack" onSubmit={form.submit} noValidate>
          {form.problem && (form.problem.errors.length === 0 || linkError !== undefined) ? (
            <Notice tone="error">{linkError ?? form.problem.message}</Notice>
          ) : null}
          <Field
            label="New password"
            name="password"
            type="password"
            autoComplete="new-password"
            required
            hint="A short sentence is easiest to keep."
            error={form.fieldError('password')}
          />
          <Button look="primary" size="large" type="submit" isBusy={form.isBusy}>
            Set the password
          </Button>
        </form>
      )}
    </AuthFrame>
  );
}

type Activation =
  { state: 'asking' } | { state: 'done'; name: string } | { state: 'no'; why: string };

export function ActivatePage({ token }: { token: string }) {
  const [activation, setActivation] = useState<Activation>({ state: 'asking' });
  const isAsked = useRef(false);
  useEffect(() => {
    // The link works once: it is sent once.
    if (isAsked.current) return;
    isAsked.current = true;
    activateAccount(token)
      .then(({ username }) => setActivation({ state: 'done', name: username }))
      .catch((error: unknown) => setActivation({ state: 'no', why: toProblem(error).message }));
  }, [token]);
  return (
    <AuthFrame title="Your address">
      <div className="stack">
        {activation.state === 'asking' ? <p role="status">One moment…</p> : null}
        {activation.state === 'no' ? <Notice tone="error">{activation.why}</Notice> : null}
        {activation.state === 'done' ? (
          <Notice tone="done">Welcome, {activation.name}. Your address is confirmed.</Notice>
        ) : null}
        <Link className="button button-primary button-large" href="/login">
          Log in
        </Link>
      </div>
    </AuthFrame>
  );
}
