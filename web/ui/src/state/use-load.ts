// One request whose answer a page shows: loading, failed with a reason and a way to retry, or
// loaded. Answers of an older request never overwrite those of a newer one.
import { useCallback, useEffect, useRef, useState } from 'react';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';

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
  const run = useCallback(() => {
    const mine = ++turn.current;
    setLoading(true);
    request()
      .then((answer) => {
        if (mine !== turn.current) return;
        setData(answer);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (mine === turn.current) setProblem(toProblem(error));
      })
      .finally(() => {
        if (mine === turn.current) setLoading(false);
      });
  }, deps);
  useEffect(() => {
    run();
    return () => {
      turn.current += 1;
    };
  }, [run]);
  const replace = useCallback((next: T) => {
    turn.current += 1;
    setData(next);
    setProblem(undefined);
    setLoading(false);
  }, []);
  return { data, problem, isLoading, reload: run, replace };
}
