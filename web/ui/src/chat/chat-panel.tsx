// The chat beside the video: status, pinned message, lines and composer, or the people in the room.
// What a stranger or a ghost may not do is said, not hidden.
import { useCallback, useState } from 'react';
import type { ReactNode } from 'react';
import { formatCount, formatViewers } from '../format/clock.js';
import { realtimeStore } from '../realtime/realtime.js';
import type { RealtimeStatus } from '../realtime/realtime.js';
import { Link } from '../router/link.js';
import { loginHref } from '../router/router.js';
import { useStore } from '../state/use-store.js';
import { useNow } from '../state/use-now.js';
import { ChatIcon, EyeIcon, FlagIcon, PeopleIcon, PinIcon } from '../ui/icons.js';
import type { Chat } from './chat.js';
import { ChatAnnouncer } from './chat-announcer.js';
import { ChatComposer } from './chat-composer.js';
import { ChatList } from './chat-list.js';
import type { ChatAuthor, ChatLine } from './chat-log.js';
import { PeopleList } from './people-list.js';
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
  onReport: ((line: ChatLine) => void) | undefined;
  /** Undefined for those who may not moderate. */
  onModerate: ((line: ChatLine) => void) | undefined;
  /** The panel of those who may. */
  moderation: ReactNode;
  /** Stands above the people. */
  beforePeople: ReactNode;
}

type Tab = 'chat' | 'people' | 'moderation';

function statusWords(status: RealtimeStatus, isJoined: boolean): string {
  if (status === 'reconnecting') return 'Connection lost. Reconnecting…';
  if (status === 'closed') return 'Chat is disconnected.';
  if (status === 'online' && isJoined) return '';
  return 'Joining the chat…';
}

function Head({ viewers, tab, canModerate, onTab }: HeadProps) {
  return (
    <header className="chat-head">
      <div
        className={canModerate ? 'chat-tabs is-three' : 'chat-tabs'}
        role="group"
        aria-label="Show"
      >
        <button type="button" aria-pressed={tab === 'chat'} onClick={() => onTab('chat')}>
          <ChatIcon />
          Chat
        </button>
        <button
          type="button"
          aria-pressed={tab === 'people'}
          onClick={() => onTab('people')}
          data-testid="people-open"
        >
          <PeopleIcon />
          People
        </button>
        {canModerate ? (
          <button
            type="button"
            aria-pressed={tab === 'moderation'}
            onClick={() => onTab('moderation')}
            data-testid="moderation-open"
          >
            <FlagIcon />
            Moderate
          </button>
        ) : null}
      </div>
      {viewers === undefined ? null : (
        <span className="chat-viewers number">
          <EyeIcon />
          {canModerate ? (
            <span aria-label={formatViewers(viewers)} role="img">
              {formatCount(viewers)}
            </span>
          ) : (
            formatViewers(viewers)
          )}
        </span>
      )}
    </header>
  );
}

interface HeadProps {
  viewers: number | undefined;
  tab: Tab;
  canModerate: boolean;
  onTab: (tab: Tab) => void;
}

function PinnedLine({ chat }: { chat: Chat }) {
  const pin = useStore(chat.pin);
  const nowMs = useNow(5000, pin?.untilMs !== undefined);
  if (!pin || (pin.untilMs !== undefined && pin.untilMs <= nowMs)) return null;
  return (
    <p className="chat-pin" data-testid="pin">
      <PinIcon />
      <span>
        <span className="visually-hidden">Pinned: </span>
        {pin.from === undefined ? null : <strong>{pin.from} </strong>}
        {pin.text}
      </span>
    </p>
  );
}

interface FooterProps extends Pick<ChatPanelProps, 'chat' | 'me' | 'canWrite'> {
  mention: { name: string } | undefined;
  replyTo: ChatLine | undefined;
  onReplyEnd: () => void;
  onSend: (text: string) => void;
}

function Footer({ me, canWrite, ...rest }: FooterProps) {
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
  return <ChatComposer {...rest} />;
}

type OpenProps = Omit<ChatPanelProps, 'channel' | 'viewers' | 'isJoined'> & {
  channel: string;
  tab: Tab;
  onTab: (tab: Tab) => void;
};

/** Inside the room: lines above, composer below. */
function OpenChat(props: OpenProps) {
  const { chat, channel, me, canWrite, onReport, onModerate, tab, onTab } = props;
  const log = useStore(chat.store);
  const [ownCount, setOwnCount] = useState(0);
  const [mention, setMention] = useState<{ name: string }>();
  const [replyTo, setReplyTo] = useState<ChatLine>();
  const onRetry = useCallback((line: ChatLine) => chat.retry(channel, line), [chat, channel]);
  const onDrop = useCallback((line: ChatLine) => chat.drop(line), [chat]);
  const onMention = useCallback(
    (name: string) => {
      onTab('chat');
      setMention({ name });
    },
    [onTab],
  );
  const onSend = (text: string): void => {
    if (!me) return;
    const { offset } = replyTo ?? {};
    chat.send(channel, { text, from: me, ...(offset === undefined ? {} : { reply: offset }) });
    onTab('chat');
    setReplyTo(undefined);
    setOwnCount((count) => count + 1);
  };
  const mayWrite = me !== undefined && canWrite;
  return (
    <>
      {tab === 'moderation' ? props.moderation : null}
      {tab === 'people' ? (
        <PeopleList chat={chat} channel={channel} onMention={mayWrite ? onMention : undefined}>
          {props.beforePeople}
        </PeopleList>
      ) : null}
      {tab === 'chat' ? (
        <>
          <PinnedLine chat={chat} />
          <ChatList
            chat={chat}
            channel={channel}
            log={log}
            me={me}
            ownCount={ownCount}
            onRetry={onRetry}
            onDrop={onDrop}
            onMention={mayWrite ? onMention : undefined}
            onReply={mayWrite ? setReplyTo : undefined}
            onReport={me ? onReport : undefined}
            onModerate={onModerate}
          />
        </>
      ) : null}
      <Footer
        chat={chat}
        me={me}
        canWrite={canWrite}
        mention={mention}
        replyTo={replyTo}
        onReplyEnd={() => setReplyTo(undefined)}
        onSend={onSend}
      />
    </>
  );
}

export function ChatPanel({ viewers, isJoined, channel, ...rest }: ChatPanelProps) {
  const { status } = useStore(realtimeStore);
  const [tab, setTab] = useState<Tab>('chat');
  return (
    <section className="chat" aria-label="Chat">
      <h2 className="visually-hidden">Chat</h2>
      <Head
        viewers={viewers}
        tab={tab}
        canModerate={rest.onModerate !== undefined}
        onTab={setTab}
      />
      <p className="chat-status" role="status" aria-live="polite">
        {channel === undefined ? '' : statusWords(status, isJoined)}
      </p>
      {channel === undefined ? (
        <div className="chat-closed muted">Chat opens when you are in the room.</div>
      ) : (
        <>
          <OpenChat {...rest} channel={channel} tab={tab} onTab={setTab} />
          <ChatAnnouncer chat={rest.chat} me={rest.me} />
        </>
      )}
    </section>
  );
}
