// A value to hand to another program, with a button that copies it.
import { useEffect, useId, useState } from 'react';
import { Button } from './button.js';
import { CheckIcon, CopyIcon } from './icons.js';

interface CopyFieldProps {
  label: string;
  value: string;
  /** False for a masked value, which is of no use on a clipboard. */
  canCopy?: boolean;
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function CopyField({ label, value, canCopy = true }: CopyFieldProps) {
  const id = useId();
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return undefined;
    const timer = window.setTimeout(() => setState('idle'), 2500);
    return () => window.clearTimeout(timer);
  }, [state]);
  const copy = async (): Promise<void> => {
    setState((await copyText(value)) ? 'copied' : 'refused');
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="copy-field">
        <input
          id={id}
          className="code"
          readOnly
          value={value}
          spellCheck={false}
          onFocus={(event) => event.currentTarget.select()}
        />
        {canCopy ? (
          <Button
            icon={state === 'copied' ? <CheckIcon /> : <CopyIcon />}
            onClick={() => void copy()}
          >
            {state === 'copied' ? 'Copied' : 'Copy'}
          </Button>
        ) : null}
      </div>
      <p className="field-hint" role="status">
        {state === 'refused' ? 'Select the text and copy it by hand.' : ''}
      </p>
    </div>
  );
}
