// Reads the chat to screen readers at a pace that one can listen to. The visible list is not a live
// region: its lines come and go with scrolling.
import { useEffect, useRef, useState } from 'react';
import type { Chat } from './chat.js';
import type { ChatAuthor } from './chat-log.js';
import { speakNews } from './spoken-lines.js';

const everyMs = 2500;

export function ChatAnnouncer({ chat, me }: { chat: Chat; me: ChatAuthor | undefined }) {
  const [spoken, setSpoken] = useState<string[]>([]);
  const id = me?.id;
  const name = me?.name;
  const lastKey = useRef<string>(undefined);
  useEffect(() => {
    const sinceMs = Date.now() - everyMs;
    const timer = window.setInterval(() => {
      const { lines } = chat.store.get();
      const newest = lines.at(-1)?.key;
      if (newest === lastKey.current) return;
      const news = speakNews(lines, { lastKey: lastKey.current, sinceMs, me: { id, name } });
      lastKey.current = newest;
      if (news.length > 0) setSpoken(news);
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [chat, id, name]);
  return (
    <div className="visually-hidden" role="log" aria-label="New messages" aria-live="polite">
      {spoken.map((words, at) => (
        <p key={at}>{words}</p>
      ))}
    </div>
  );
}
