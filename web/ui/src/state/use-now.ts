// The wall clock as state, for countdowns: re-renders every `everyMs` while `isActive`.
import { useEffect, useState } from 'react';

export function useNow(everyMs: number, isActive: boolean): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (!isActive) return undefined;
    setNowMs(Date.now());
    const timer = window.setInterval(() => setNowMs(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs, isActive]);
  return nowMs;
}
