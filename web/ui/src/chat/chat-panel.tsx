// The chat beside the video: status, lines and composer. What a stranger or a ghost may not do is
// said, not hidden.
import { useCallback, useState } from 'react';
import { formatViewers } from '../format/clock.js';
import { realtimeStore } from '../realtime/realtime.js';
import type { RealtimeStatus } from '../realtime/realtime.js';
import { Link } from '../router/link.js';
import { loginHref } from '../router/router.js';
import { useStore } from '../state/use-store.js';
import { EyeIcon } from '../ui/icons.js';
import { ChatComposer } from './chat-composer.js';
import { ChatList } from './chat-list.js';
import type { ChatAuthor, ChatLine } from './chat-log.js';
import type { Chat } from './use-chat.js';
import '../styles/chat.css';

interface ChatPanelProps {
  chat: Chat;
  /** Undefined while not inside the room. */
  channel: string | undefined;
  me: ChatAuthor | undefined;
  viewers: number | undefined;
  /** False for those who may only read. */
  canWrite: boolean;
  isJoined: boolean;
}

function statusWords(status: RealtimeStatus, isJoined: boolean): string {
  if (status === 'reconnecting') return 'Connection lost. Reconnecting…';
  if (status === 'closed') return 'Chat is disconnected.';
  if (status === 'online' && isJoined) return '';
  return 'Joining the chat…';
}

interface FooterProps {
  me: ChatAuthor | undefined;
  canWrite: boolean;
  mention: { name: string } | undefined;
  onSend: (text: string) => void;
}

function Footer({ me, canWrite, mention, onSend }: FooterProps) {
  if (!me) {
    return (
      <div className="composer composer-note">
        <span>
          <Link href={loginHref()}>Log in</Link> or <Link href={loginHref('signup')}>sign up</Link>{' '}
          to chat and tip.
        </span>
      </div>
    );
  }
  if (!canWrite) {
    return <div className="composer composer-note">You may read along here, but not write.</div>;
  }
  return <ChatComposer onSend={onSend} mention={mention} />;
}

export function ChatPanel(props: ChatPanelProps) {
  const { chat, channel, me, viewers, canWrite, isJoined } = props;
  const log = useStore(chat.store);
  const { status } = useStore(realtimeStore);
  const [ownCount, setOwnCount] = useState(0);
  const [mention, setMention] = useState<{ name: string }>();
  const onRetry = useCallback(
    (line: ChatLine) => {
      if (channel !== undefined) chat.retry(channel, line);
    },
    [chat, channel],
  );
  const onDrop = useCallback((line: ChatLine) => chat.drop(line), [chat]);
  const onMention = useCallback((name: string) => setMention({ name }), []);
  const onSend = (text: string): void => {
    if (channel === undefined || !me) return;
    chat.send(channel, me, text);
    setOwnCount((count) => count + 1);
  };
  const words = channel === undefined ? '' : statusWords(status, isJoined);
  return (
    <section className="chat" aria-label="Chat">
      <header className="chat-head">
        <h2>Chat</h2>
        {viewers === undefined ? null : (
          <span className="chat-viewers number">
            <EyeIcon />
            {formatViewers(viewers)}
          </span>
        )}
      </header>
      <p className="chat-status" role="status" aria-live="polite">
        {words}
      </p>
      {channel === undefined ? (
        <div className="chat-closed muted">Chat opens when you are in the room.</div>
      ) : (
        <>
          <ChatList
            log={log}
            myName={me?.name}
            ownCount={ownCount}
            onRetry={onRetry}
            onDrop={onDrop}
            onMention={me && canWrite ? onMention : undefined}
            readBack={() => chat.readBack(channel)}
            onEnd={chat.atEnd}
          />
          <Footer me={me} canWrite={canWrite} mention={mention} onSend={onSend} />
        </>
      )}
    </section>
  );
}
