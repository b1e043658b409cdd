// Create an account; the server's objections stand beside the fields that they concern.
import { useState } from 'react';
import { Link } from '../router/link.js';
import { createAccount } from '../session/session.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { AuthFrame, useSendOn } from './auth-frame.js';
import { useForm } from './use-form.js';

export function SignupPage({ next }: { next: string }) {
  useSendOn(next);
  const [mailedTo, setMailedTo] = useState<string>();
  const form = useForm(async (fields) => {
    const email = (fields['email'] ?? '').trim();
    const activation = await createAccount({
      username: (fields['username'] ?? '').trim(),
      email,
      password: fields['password'] ?? '',
    });
    if (activation === 'mailed') setMailedTo(email);
  });
  const loginHref = next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`;
  if (mailedTo !== undefined) {
    return (
      <AuthFrame title="Look into your mail">
        <div className="stack">
          <Notice tone="done">
            We have sent a link to {mailedTo}. Follow it, and your seat is yours.
          </Notice>
          <Link className="button button-primary button-large" href={loginHref}>
            Log in
          </Link>
        </div>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Take a seat">
      <form className="stack" onSubmit={form.submit} noValidate>
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        <Field
          label="Name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          hint="Shown in chat and beside your tips."
          error={form.fieldError('username')}
        />
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="email"
          required
          hint="Never shown to others."
          error={form.fieldError('email')}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          hint="A short sentence is easiest to keep."
          error={form.fieldError('password')}
        />
        <Button look="primary" size="large" type="submit" isBusy={form.isBusy}>
          Create account
        </Button>
      </form>
      <p className="auth-other">
        Already have one? <Link href={loginHref}>Log in</Link>
      </p>
    </AuthFrame>
  );
}
