// One action at a time on something that a page has loaded: busy meanwhile, the reason of the last
// failure, and what is shown is read again whatever came of it.
import { useState } from 'react';
import { toProblem } from '../api/problem.js';

export interface Acting {
  isBusy: boolean;
  run: (request: Promise<unknown>) => void;
}

export interface ActingState extends Acting {
  failure: string | undefined;
}

export function useActing(
  onDone: () => void,
  wordsOf: (thrown: unknown) => string = (thrown) => toProblem(thrown).message,
): ActingState {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const run = (request: Promise<unknown>): void => {
    setBusy(true);
    setFailure(undefined);
    request
      .catch((thrown: unknown) => setFailure(wordsOf(thrown)))
      .finally(() => {
        setBusy(false);
        onDone();
      });
  };
  return { isBusy, failure, run };
}
