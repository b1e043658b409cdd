// One request whose answer a page shows: loading, failed with a reason and a way to retry, or
// loaded. What was not there (the site, or a part of it) is asked for again until it answers.
// Answers of an older request never overwrite those of a newer one.
import { useCallback, useEffect, useRef, useState } from 'react';
import { isAway, toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';

/** Ms until what is away is asked again, 3 s to 6 s: not all pages at once. */
export const askAgainDelayMs = (): number => 3_000 * (1 + Math.random());

export interface Load<T> {
  data: T | undefined;
  problem: Problem | undefined;
  isLoading: boolean;
  reload: () => void;
  replace: (data: T) => void;
}

export function useLoad<T>(request: () => Promise<T>, deps: readonly unknown[]): Load<T> {
  const [data, setData] = useState<T>();
  const [problem, setProblem] = useState<Problem>();
  const [isLoading, setLoading] = useState(true);
  const turn = useRef(0);
  const timer = useRef<number>(undefined);
  const run = useCallback(() => {
    const mine = ++turn.current;
    window.clearTimeout(timer.current);
    setLoading(true);
    request()
      .then((answer) => {
        if (mine !== turn.current) return;
        setData(answer);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (mine !== turn.current) return;
        const next = toProblem(error);
        setProblem(next);
        if (isAway(next)) timer.current = window.setTimeout(run, askAgainDelayMs());
      })
      .finally(() => {
        if (mine === turn.current) setLoading(false);
      });
  }, deps);
  useEffect(() => {
    run();
    return () => {
      turn.current += 1;
      window.clearTimeout(timer.current);
    };
  }, [run]);
  const replace = useCallback((next: T) => {
    turn.current += 1;
    window.clearTimeout(timer.current);
    setData(next);
    setProblem(undefined);
    setLoading(false);
  }, []);
  return { data, problem, isLoading, reload: run, replace };
}
