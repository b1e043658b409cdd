// A form that gives one command with an idempotency key: a double click or a repeat after a lost
// answer does it once; another wish after a refusal is another command.
import { useState } from 'react';
import type { ReactNode } from 'react';
import { useForm } from '../account/use-form.js';
import { Problem } from '../api/problem.js';
import { parseCredits } from '../format/credits.js';
import { CommandKey } from '../state/command-key.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

export interface CommandField {
  /** As the API calls it, so that its problems stand beside it. */
  name: string;
  label: string;
  /** `credits` are sent as milli-credits; `signed` may be below zero. */
  kind?: 'credits' | 'signed' | 'number';
  hint?: string;
  isOptional?: boolean;
}

interface CommandFormProps {
  title: string;
  verb: string;
  fields: readonly CommandField[];
  testId: string;
  /** Selects and the like, which keep their own state. */
  children?: ReactNode;
  /** Gives what to say when it is done. Empty optional fields are absent. */
  send: (values: Record<string, string>, key: string) => Promise<string>;
  onDone?: () => void;
}

function wrong(field: string, message: string): Problem {
  const errors = [{ field, message }];
  return new Problem({ status: 0, code: 'BAD_INPUT', detail: message, errors, extra: {} });
}

/** @throws Problem that names the field */
export function valueOf({ name, kind, isOptional = false }: CommandField, typed: string): string {
  const text = typed.trim();
  if (text === '' && isOptional) return '';
  if (text === '') throw wrong(name, 'This is needed.');
  if (kind !== 'credits' && kind !== 'signed') return text;
  const isBelow = kind === 'signed' && text.startsWith('-');
  const amount = parseCredits(isBelow ? text.slice(1) : text);
  if (amount === undefined) throw wrong(name, 'Enter an amount such as 100 or 2.5.');
  return isBelow ? `-${String(amount)}` : String(amount);
}

export function CommandForm(props: CommandFormProps) {
  const { title, verb, fields, testId, children, send, onDone } = props;
  const [command] = useState(() => new CommandKey());
  const [done, setDone] = useState<string>();
  const [round, setRound] = useState(0);
  const form = useForm(async (typed) => {
    setDone(undefined);
    const values: Record<string, string> = {};
    for (const field of fields) {
      const value = valueOf(field, typed[field.name] ?? '');
      if (value !== '') values[field.name] = value;
    }
    setDone(await command.use(JSON.stringify(values), (key) => send(values, key)));
    setRound((count) => count + 1);
    onDone?.();
  });
  const named = new Set(fields.map(({ name }) => name));
  const isElsewhere = form.problem?.errors.every(({ field }) => !named.has(field)) ?? false;
  return (
    <section className="panel stack" aria-label={title}>
      <h2>{title}</h2>
      <form
        key={round}
        className="stack"
        noValidate
        data-testid={testId}
        onSubmit={form.submit}
        onChange={() => {
          if (form.problem) command.renew();
        }}
      >
        {children}
        <div className="field-pair">
          {fields.map(({ name, label, kind, hint, isOptional = false }) => (
            <Field
              key={name}
              label={isOptional ? `${label} (optional)` : label}
              name={name}
              hint={hint}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              {...(kind === undefined ? {} : { inputMode: 'decimal' as const })}
              {...(kind === 'credits' || kind === 'signed' ? { unit: 'credits' } : {})}
              error={form.fieldError(name)}
            />
          ))}
        </div>
        {form.problem && isElsewhere ? <Notice tone="error">{form.problem.message}</Notice> : null}
        {done === undefined ? null : <Notice tone="done">{done}</Notice>}
        <div>
          <Button look="primary" type="submit" isBusy={form.isBusy} data-testid={`${testId}-send`}>
            {verb}
          </Button>
        </div>
      </form>
    </section>
  );
}
