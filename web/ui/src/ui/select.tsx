// A labelled choice among few values.
import { useId } from 'react';

interface SelectProps<V extends string> {
  label: string;
  value: V;
  /** Value and its name, in order. */
  options: readonly (readonly [V, string])[];
  hint?: string;
  disabled?: boolean;
  testId?: string;
  onChange: (value: V) => void;
}

export function Select<V extends string>(props: SelectProps<V>) {
  const { label, value, options, hint, disabled = false, testId, onChange } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        data-testid={testId}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => {
          const chosen = options.find(([one]) => one === event.target.value);
          if (chosen) onChange(chosen[0]);
        }}
      >
        {options.map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </select>
      {hint === undefined ? null : (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
