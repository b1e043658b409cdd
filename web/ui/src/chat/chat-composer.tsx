// Where messages are written: Enter sends, Shift+Enter breaks the line, the emote menu inserts
// names.
import { useCallback, useEffect, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { IconButton } from '../ui/button.js';
import { SendIcon } from '../ui/icons.js';
import { EmoteMenu } from './emote-menu.js';

/** As the gateway limits a text, in characters. */
const textMax = 500;

interface ChatComposerProps {
  onSend: (text: string) => void;
  /** The name to address next; a new object for each wish. */
  mention: { name: string } | undefined;
}

export function ChatComposer({ onSend, mention }: ChatComposerProps) {
  const [text, setText] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const send = (): void => {
    const trimmed = text.trim();
    if (trimmed === '') return;
    onSend(trimmed);
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
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
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-field">
        <textarea
          ref={input}
          rows={1}
          value={text}
          maxLength={textMax}
          placeholder="Say something"
          aria-label="Say something in chat"
          enterKeyHint="send"
          data-testid="chat-input"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <EmoteMenu onPick={insert} />
      </div>
      <IconButton
        label="Send"
        type="submit"
        className="composer-send"
        disabled={text.trim() === ''}
        data-testid="chat-send"
      >
        <SendIcon />
      </IconButton>
    </form>
  );
}
