// A visit and its chat for as long as the room page is open.
import { useEffect, useMemo } from 'react';
import { useChat } from '../chat/use-chat.js';
import type { Chat } from '../chat/chat.js';
import { navigate } from '../router/router.js';
import { useStore } from '../state/use-store.js';
import type { RoomState } from './room-state.js';
import { RoomVisit } from './room-visit.js';

export interface RoomView {
  state: RoomState;
  visit: RoomVisit;
  chat: Chat;
}

/** `who` is the visitor's id; after a log-in or log-out the room is entered again as that one. */
export function useRoom(slug: string, who: string | undefined): RoomView {
  const chat = useChat(slug, who);
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
        onDenied: (reason) => chat.denied(reason),
        onRedirect: (target) => navigate(`/r/${encodeURIComponent(target)}`),
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
  const state = useStore(visit.store);
  useEffect(() => chat.setLevel(state.level), [chat, state.level]);
  return { state, visit, chat };
}
