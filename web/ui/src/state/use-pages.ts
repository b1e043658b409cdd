// A list that loads page after page. Reading it again begins at the first page; answers of an older
// reading never mix with those of a newer one. What is away is asked again until it answers.
import { useCallback, useEffect, useRef, useState } from 'react';
import { isAway, toProblem } from '../api/problem.js';
import { askAgainDelayMs } from './use-load.js';

export interface Pages<T> {
  /** Undefined until the first page is there. */
  items: T[] | undefined;
  problem: string | undefined;
  isLoading: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
}

export type LoadPage<T> = (
  cursor: string | undefined,
) => Promise<{ items: T[]; next?: string | undefined }>;

export function usePages<T>(load: LoadPage<T>, deps: readonly unknown[]): Pages<T> {
  const [items, setItems] = useState<T[]>();
  const [next, setNext] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isLoading, setLoading] = useState(true);
  const turn = useRef(0);
  const timer = useRef<number>(undefined);
  const read = useCallback((cursor: string | undefined) => {
    const mine = ++turn.current;
    window.clearTimeout(timer.current);
    setLoading(true);
    load(cursor)
      .then((page) => {
        if (mine !== turn.current) return;
        setItems((known) =>
          cursor === undefined ? page.items : [...(known ?? []), ...page.items],
        );
        setNext(page.next);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (mine !== turn.current) return;
        const known = toProblem(error);
        setProblem(known.message);
        if (isAway(known)) timer.current = window.setTimeout(() => read(cursor), askAgainDelayMs());
      })
      .finally(() => {
        if (mine === turn.current) setLoading(false);
      });
  }, deps);
  useEffect(() => {
    read(undefined);
    return () => {
      turn.current += 1;
      window.clearTimeout(timer.current);
    };
  }, [read]);
  const more = useCallback(() => read(next), [read, next]);
  const reload = useCallback(() => read(undefined), [read]);
  return { items, problem, isLoading, hasMore: next !== undefined, more, reload };
}
