// Where messages are written: Enter sends, Shift+Enter breaks the line, @ completes names, the
// emote menu inserts emotes. While the room is slow, the time that is left stands on the button.
import { useCallback, useEffect, useId, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { useNow } from '../state/use-now.js';
import { useStore } from '../state/use-store.js';
import { IconButton } from '../ui/button.js';
import { CloseIcon, ReplyIcon, SendIcon } from '../ui/icons.js';
import type { Chat } from './chat.js';
import type { ChatLine } from './chat-log.js';
import { describeRules } from './chat-rules.js';
import { EmoteMenu } from './emote-menu.js';
import { useMentions } from './use-mentions.js';
import type { Mentions } from './use-mentions.js';
import '../styles/composer.css';

/** As the gateway limits a text, in characters. */
const textMax = 500;

interface ChatComposerProps {
  chat: Chat;
  onSend: (text: string) => void;
  /** The name to address next; a new object for each wish. */
  mention: { name: string } | undefined;
  replyTo: ChatLine | undefined;
  onReplyEnd: () => void;
}

/** Whole seconds until the next message may be said; 0 = now. */
function useWaitSec(chat: Chat): number {
  const turnMs = useStore(chat.turnMs);
  const tickMs = useNow(250, turnMs > Date.now());
  // The last tick is long past when a wait begins.
  return Math.max(0, Math.ceil((turnMs - Math.max(tickMs, Date.now())) / 1000));
}

/** Names of those who have spoken, the latest first. */
function recentNames(chat: Chat): string[] {
  const names = chat.store.get().lines.map((line) => line.from?.name);
  return names.filter((name) => name !== undefined).reverse();
}

function ReplyBar({ line, onEnd }: { line: ChatLine; onEnd: () => void }) {
  return (
    <div className="reply-bar" data-testid="reply-bar">
      <ReplyIcon />
      <p>
        Replying to <strong>{line.from?.name}</strong>
        <span>{line.text}</span>
      </p>
      <IconButton label="Do not reply" onClick={onEnd}>
        <CloseIcon />
      </IconButton>
    </div>
  );
}

function Names({ id, mentions }: { id: string; mentions: Mentions }) {
  if (mentions.names.length === 0) return null;
  return (
    <ul className="mention-list" id={id} role="listbox" aria-label="Names">
      {mentions.names.map((name, at) => (
        <li
          key={name}
          id={`${id}-${String(at)}`}
          role="option"
          aria-selected={at === mentions.active}
          // Pressed, not clicked: the text keeps the focus.
          onPointerDown={(event) => {
            event.preventDefault();
            mentions.pick(name);
          }}
        >
          @{name}
        </li>
      ))}
    </ul>
  );
}

function SendButton({ waitSec, isEmpty }: { waitSec: number; isEmpty: boolean }) {
  const isWaiting = waitSec > 0;
  return (
    <IconButton
      label={isWaiting ? `Slow mode: wait ${String(waitSec)} seconds` : 'Send'}
      type="submit"
      className="composer-send"
      disabled={isEmpty || isWaiting}
      data-testid="chat-send"
      data-wait={waitSec}
    >
      {isWaiting ? <span className="number">{waitSec}</span> : <SendIcon />}
    </IconButton>
  );
}

export function ChatComposer(props: ChatComposerProps) {
  const { chat, onSend, mention, replyTo, onReplyEnd } = props;
  const [text, setText] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const rules = useStore(chat.rules);
  const waitSec = useWaitSec(chat);
  const mentions = useMentions(input, () => recentNames(chat), setText);
  const send = (): void => {
    const trimmed = text.trim();
    if (trimmed === '' || waitSec > 0) return;
    onSend(trimmed);
    setText('');
    mentions.close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || mentions.onKey(event)) return;
    if (event.key === 'Escape' && replyTo) onReplyEnd();
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    send();
  };
  const insert = useCallback((word: string): void => {
    setText((now) => `${now}${/\S$/.test(now) ? ' ' : ''}${word} `.slice(0, textMax));
    input.current?.focus();
  }, []);
  useEffect(() => {
    if (mention) insert(`@${mention.name}`);
  }, [mention, insert]);
  useEffect(() => {
    if (replyTo) input.current?.focus();
  }, [replyTo]);
  const words = describeRules(rules);
  const isOpen = mentions.names.length > 0;
  return (
    <div className="composer-frame">
      {words === '' ? null : (
        <p className="chat-rules" data-testid="chat-rules">
          {words}
        </p>
      )}
      {replyTo ? <ReplyBar line={replyTo} onEnd={onReplyEnd} /> : null}
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div className="composer-field">
          <Names id={listId} mentions={mentions} />
          <textarea
            ref={input}
            rows={1}
            value={text}
            maxLength={textMax}
            placeholder="Say something"
            aria-label="Say something in chat"
            aria-autocomplete="list"
            aria-controls={isOpen ? listId : undefined}
            aria-activedescendant={isOpen ? `${listId}-${String(mentions.active)}` : undefined}
            enterKeyHint="send"
            data-testid="chat-input"
            onChange={(event) => {
              setText(event.target.value);
              mentions.look();
            }}
            onBlur={mentions.close}
            onKeyDown={onKeyDown}
          />
          <EmoteMenu onPick={insert} />
        </div>
        <SendButton waitSec={waitSec} isEmpty={text.trim() === ''} />
      </form>
    </div>
  );
}
