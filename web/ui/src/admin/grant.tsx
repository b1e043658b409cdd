// Giving credits to an account, with a reason for the audit. The key makes a repeated press
// harmless.
import { useState } from 'react';
import { useForm } from '../account/use-form.js';
import type { FormState } from '../account/use-form.js';
import { grantCredits } from '../api/admin.js';
import { Problem } from '../api/problem.js';
import { formatCreditsUnit, parseCredits } from '../format/credits.js';
import { CommandKey } from '../state/command-key.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

function wrongAmount(): Problem {
  const message = 'Enter an amount such as 100 or 2.5.';
  return new Problem({
    status: 0,
    code: 'BAD_INPUT',
    detail: message,
    errors: [{ field: 'amountMilli', message }],
    extra: {},
  });
}

function GrantFields({ form }: { form: FormState }) {
  return (
    <>
      <div className="field-pair">
        <Field
          label="Account"
          name="username"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          error={form.fieldError('username')}
        />
        <Field
          label="Amount"
          name="amount"
          unit="credits"
          inputMode="decimal"
          autoComplete="off"
          error={form.fieldError('amountMilli')}
        />
      </div>
      <Field
        label="Reason"
        name="reason"
        maxLength={200}
        autoComplete="off"
        hint="Kept in the audit log."
        error={form.fieldError('reason')}
      />
    </>
  );
}

export function Grant({ onGranted }: { onGranted: () => void }) {
  const [command] = useState(() => new CommandKey());
  const [done, setDone] = useState<string>();
  const [round, setRound] = useState(0);
  const form = useForm(async (fields) => {
    setDone(undefined);
    const amount = parseCredits(fields['amount'] ?? '');
    if (amount === undefined) throw wrongAmount();
    const username = (fields['username'] ?? '').trim();
    const reason = (fields['reason'] ?? '').trim();
    const grant = { username, amountMilli: String(amount), reason };
    const { balance } = await command.use(JSON.stringify(grant), (key) =>
      grantCredits({ ...grant, key }),
    );
    setDone(`${username} now has ${formatCreditsUnit(balance)}.`);
    setRound((count) => count + 1);
    onGranted();
  });
  return (
    <section className="panel" aria-label="Grant credits">
      <h2>Grant credits</h2>
      <form
        key={round}
        className="stack"
        noValidate
        onSubmit={form.submit}
        onChange={() => {
          // Another grant than the refused one is another command.
          if (form.problem) command.renew();
        }}
      >
        <GrantFields form={form} />
        {form.problem && form.problem.errors.length === 0 ? (
          <Notice tone="error">{form.problem.message}</Notice>
        ) : null}
        {done === undefined ? null : <Notice tone="done">{done}</Notice>}
        <div>
          <Button look="primary" type="submit" isBusy={form.isBusy}>
            Grant
          </Button>
        </div>
      </form>
    </section>
  );
}
