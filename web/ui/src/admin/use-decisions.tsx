// Decisions on a list: one runs at once or after its reason was asked for; then the list is read
// again.
import { useState } from 'react';
import type { ReactNode } from 'react';
import { useActing } from '../state/use-acting.js';
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
  const { isBusy, failure, run } = useActing(onDone);
  const view = (
    <>
      {failure === undefined ? null : <Notice tone="error">{failure}</Notice>}
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
