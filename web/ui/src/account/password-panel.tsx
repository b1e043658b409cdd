// Changing the password; other devices are logged out by it.
import { useState } from 'react';
import { changePassword } from '../api/account-security.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from './use-form.js';

export function PasswordPanel() {
  const [changes, setChanges] = useState(0);
  const form = useForm(async (fields) => {
    await changePassword({
      current: fields['current'] ?? '',
      password: fields['password'] ?? '',
    });
    setChanges((count) => count + 1);
  });
  return (
    <section className="panel" aria-label="Password">
      <h2>Password</h2>
      <form key={changes} className="stack" onSubmit={form.submit} noValidate>
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        {changes > 0 && !form.problem ? (
          <Notice tone="done">Changed. Your other devices were logged out.</Notice>
        ) : null}
        <Field
          label="Current password"
          name="current"
          type="password"
          autoComplete="current-password"
          error={form.fieldError('current')}
        />
        <Field
          label="New password"
          name="password"
          type="password"
          autoComplete="new-password"
          error={form.fieldError('password')}
        />
        <div>
          <Button type="submit" isBusy={form.isBusy}>
            Change the password
          </Button>
        </div>
      </form>
    </section>
  );
}
