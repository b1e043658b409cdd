// A visit and its chat for as long as the room page is open.
import { useEffect, useMemo } from 'react';
import { useChat } from '../chat/use-chat.js';
import type { Chat } from '../chat/use-chat.js';
import { useStore } from '../state/use-store.js';
import type { RoomState } from './room-state.js';
import { RoomVisit } from './room-visit.js';

export interface RoomView {
  state: RoomState;
  visit: RoomVisit;
  chat: Chat;
}

/** `who` changes with login and logout: the room is then entered again as somebody else. */
export function useRoom(slug: string, who: string): RoomView {
  const chat = useChat(`${slug} ${who}`);
  const visit = useMemo(
    () =>
      new RoomVisit(slug, {
        onMessage: ({ kind, body, mid, offset, ts }) =>
          chat.receive({
            kind,
            body,
            atMs: ts,
            mid: mid === '' ? undefined : mid,
            offset: offset === 0 ? undefined : offset,
          }),
        onLost: () => chat.note('Some messages were missed.'),
      }),
    [slug, chat],
  );
  useEffect(() => {
    visit.start();
    return () => {
      visit.stop();
      chat.stop();
    };
  }, [visit, chat]);
  return { state: useStore(visit.store), visit, chat };
}
