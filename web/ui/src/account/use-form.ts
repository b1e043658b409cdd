// Sending one form: busy while it runs, the problem when it was refused, never twice at once.
import { useRef, useState } from 'react';
import type { SubmitEvent } from 'react';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';

export interface FormState {
  isBusy: boolean;
  problem: Problem | undefined;
  fieldError: (...names: string[]) => string | undefined;
  submit: (event: SubmitEvent<HTMLFormElement>) => void;
}

function focusFirstWrong(form: HTMLFormElement): void {
  window.setTimeout(() => {
    form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, 0);
}

/**
 * `send` gets the text of each named field. What it throws is shown; a thrown Problem may name
 * fields.
 */
export function useForm(send: (fields: Record<string, string>) => Promise<void>): FormState {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const isRunning = useRef(false);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    const form = event.currentTarget;
    const fields: Record<string, string> = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value === 'string') fields[name] = value;
    }
    send(fields)
      .then(() => setProblem(undefined))
      .catch((error: unknown) => {
        setProblem(toProblem(error));
        focusFirstWrong(form);
      })
      .finally(() => {
        isRunning.current = false;
        setBusy(false);
      });
  };
  const fieldError = (...names: string[]): string | undefined => {
    for (const name of names) {
      const message = problem?.fieldError(name);
      if (message !== undefined) return message;
    }
    return undefined;
  };
  return { isBusy, problem, fieldError, submit };
}
