// The room list that follows the house: fetched once, then again whenever the lobby channel says
// that something changed, and on a slow clock for viewer counts and for the time when realtime is
// away.
import { useEffect, useRef, useState } from 'react';
import { fetchRooms } from '../api/rooms.js';
import type { RoomList } from '../api/rooms.js';
import { joinChannel } from '../realtime/realtime.js';
import { useLoad } from '../state/use-load.js';
import type { Load } from '../state/use-load.js';
import type { RoomFilter } from './room-filter.js';

/**
 * Collects a burst of changes into one request; well inside the two seconds in which a change must
 * be seen.
 */
const gatherMs = 250;
const refreshEveryMs = 15_000;
const typingMs = 250;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), typingMs);
    return () => window.clearTimeout(timer);
  }, [text]);
  return settled;
}

export interface Wanted {
  filter: RoomFilter;
  /** As it is being typed. */
  typed: string;
  tag: string;
  limit: number;
}

export function useLiveRooms({ filter, typed, tag, limit }: Wanted): Load<RoomList> {
  const search = useSettled(typed.trim()).slice(0, 60);
  const load = useLoad(
    () => fetchRooms({ filter, search, tag, limit }),
    [filter, search, tag, limit],
  );
  const timer = useRef<number>(undefined);
  const { reload } = load;
  const reloadRef = useRef(reload);
  reloadRef.current = reload;
  useEffect(() => {
    const soon = (): void => {
      if (timer.current !== undefined) return;
      timer.current = window.setTimeout(() => {
        timer.current = undefined;
        reloadRef.current();
      }, gatherMs);
    };
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') soon();
    };
    const lobby = joinChannel('lobby', { onMessage: soon, onJoined: soon });
    const clock = window.setInterval(onVisible, refreshEveryMs);
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      lobby.leave();
      window.clearInterval(clock);
      window.clearTimeout(timer.current);
      timer.current = undefined;
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, []);
  return load;
}
