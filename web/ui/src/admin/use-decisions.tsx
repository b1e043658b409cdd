// Decisions on a list: one runs at once or after its reason was asked for; then the list is read
// again.
import { useState } from 'react';
import type { ReactNode } from 'react';
import { toProblem } from '../api/problem.js';
import { Notice } from '../ui/notice.js';
import { ReasonDialog } from './reason-dialog.js';
import type { Decision } from './reason-dialog.js';

export interface Decisions {
  isBusy: boolean;
  ask: (decision: Decision) => void;
  run: (request: Promise<unknown>) => void;
  /** The open dialog and the last failure; stands in the panel. */
  view: ReactNode;
}

export function useDecisions(onDone: () => void): Decisions {
  const [asked, setAsked] = useState<Decision>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = (request: Promise<unknown>): void => {
    setBusy(true);
    setProblem(undefined);
    request
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => {
        setBusy(false);
        onDone();
      });
  };
  const view = (
    <>
      {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
      {asked ? (
        <ReasonDialog
          decision={asked}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            setAsked(undefined);
            onDone();
          }}
        />
      ) : null}
    </>
  );
  return { isBusy, ask: setAsked, run, view };
}
