// The chat of a room for as long as its page is open.
import { useMemo } from 'react';
import { Chat } from './chat.js';

/** A new chat for every room and every visitor; `myId` is undefined for strangers. */
export function useChat(roomKey: string, myId: string | undefined): Chat {
  return useMemo(() => new Chat(myId), [roomKey, myId]);
}
