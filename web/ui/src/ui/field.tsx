// A labelled input or text area with hint and error, tied together for screen readers.
import { useId } from 'react';
import type { InputHTMLAttributes, ReactNode, TextareaHTMLAttributes } from 'react';

interface FieldFrame {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
}

function describedBy(id: string, hint: ReactNode, error: string | undefined): string | undefined {
  const ids = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`];
  return ids.filter(Boolean).join(' ') || undefined;
}

function Frame({
  id,
  label,
  hint,
  error,
  children,
}: FieldFrame & { id: string; children: ReactNode }) {
  return (
    <div className={error === undefined ? 'field' : 'field is-wrong'}>
      <label htmlFor={id}>{label}</label>
      {children}
      {error === undefined ? null : (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint === undefined ? null : (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Field({
  label,
  hint,
  error,
  unit,
  ...rest
}: FieldFrame & InputHTMLAttributes<HTMLInputElement> & { unit?: string }) {
  const id = useId();
  const input = (
    <input
      {...rest}
      id={id}
      aria-invalid={error !== undefined}
      aria-describedby={describedBy(id, hint, error)}
    />
  );
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      {unit === undefined ? (
        input
      ) : (
        <div className="field-unit">
          {input}
          <span aria-hidden="true">{unit}</span>
        </div>
      )}
    </Frame>
  );
}

export function TextField({
  label,
  hint,
  error,
  ...rest
}: FieldFrame & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <textarea
        {...rest}
        id={id}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, hint, error)}
      />
    </Frame>
  );
}
