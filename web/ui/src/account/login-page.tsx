// Log in by name or e-mail address, then back to where the visitor came from.
import { Link } from '../router/link.js';
import { signIn } from '../session/session.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { AuthFrame, useSendOn } from './auth-frame.js';
import { useForm } from './use-form.js';

export function LoginPage({ next }: { next: string }) {
  useSendOn(next);
  const form = useForm(async (fields) => {
    await signIn({ login: (fields['login'] ?? '').trim(), password: fields['password'] ?? '' });
  });
  const signupHref = next === '/' ? '/signup' : `/signup?next=${encodeURIComponent(next)}`;
  return (
    <AuthFrame title="Welcome back">
      <form className="stack" onSubmit={form.submit} noValidate>
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        <Field
          label="Name or e-mail"
          name="login"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          error={form.fieldError('login')}
          data-testid="login-name"
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          error={form.fieldError('password')}
          data-testid="login-password"
        />
        <Button
          look="primary"
          size="large"
          type="submit"
          isBusy={form.isBusy}
          data-testid="login-submit"
        >
          Log in
        </Button>
      </form>
      <p className="auth-other">
        <Link href="/forgot">Forgot the password?</Link>
      </p>
      <p className="auth-other">
        New here? <Link href={signupHref}>Create an account</Link>
      </p>
    </AuthFrame>
  );
}
