// Spending limits that a viewer sets for oneself. An empty field does not limit.
import { useState } from 'react';
import { Problem } from '../api/problem.js';
import { fetchLimits, saveLimits } from '../api/credits.js';
import type { Limits } from '../api/credits.js';
import { formatCredits, parseCredits } from '../format/credits.js';
import { useForm } from '../account/use-form.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { RetryNotice } from '../ui/retry-notice.js';

const fields: { name: keyof Limits; label: string }[] = [
  { name: 'perDayMilli', label: 'A day at most' },
  { name: 'perShowMilli', label: 'A show at most' },
  { name: 'perMinuteMilli', label: 'Shows up to this price per minute' },
  { name: 'tipMaxMilli', label: 'A tip at most' },
];

function plain(milli: string | undefined): string {
  return milli === undefined ? '' : formatCredits(milli).replaceAll(',', '');
}

function wrongAmount(field: string): Problem {
  const message = 'Enter an amount above zero, or nothing.';
  const errors = [{ field, message }];
  return new Problem({ status: 400, code: 'BAD_INPUT', detail: message, errors, extra: {} });
}

/** @throws Problem naming the field that holds no amount */
function readForm(form: Record<string, string>): Limits {
  const limits: Limits = {};
  for (const { name } of fields) {
    const text = (form[name] ?? '').trim();
    if (text === '') continue;
    const milli = parseCredits(text);
    if (milli === undefined) throw wrongAmount(name);
    limits[name] = String(milli);
  }
  return limits;
}

function LimitsForm({ limits }: { limits: Limits }) {
  const [isSaved, setSaved] = useState(false);
  const { isBusy, problem, fieldError, submit } = useForm(async (form) => {
    setSaved(false);
    await saveLimits(readForm(form));
    setSaved(true);
  });
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {fields.map(({ name, label }) => (
        <Field
          key={name}
          label={label}
          name={name}
          unit="credits"
          inputMode="decimal"
          autoComplete="off"
          defaultValue={plain(limits[name])}
          error={fieldError(name)}
        />
      ))}
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {isSaved ? <Notice tone="done">Your limits are set.</Notice> : null}
      <div>
        <Button type="submit" isBusy={isBusy} data-testid="limits-save">
          Save limits
        </Button>
      </div>
    </form>
  );
}

export function LimitsPanel() {
  const { data, problem, reload } = useLoad(fetchLimits, []);
  return (
    <section className="panel stack" aria-label="Spending limits">
      <h2>Spending limits</h2>
      <p className="muted">A show ends for you, and a tip is refused, when a limit is reached.</p>
      <RetryNotice problem={problem} onRetry={reload} />
      {data ? <LimitsForm limits={data} /> : null}
    </section>
  );
}
