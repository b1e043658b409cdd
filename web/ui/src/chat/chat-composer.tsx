// Where messages are written: Enter sends, Shift+Enter breaks the line, the emote menu inserts names.
import { useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { IconButton } from '../ui/button.js';
import { SendIcon } from '../ui/icons.js';
import { EmoteMenu } from './emote-menu.js';

/** As the gateway limits a text, in characters. */
const textMax = 500;

interface ChatComposerProps {
  onSend: (text: string) => void;
  /** Stands left of the input, for example the tip button. */
  children?: ReactNode;
}

export function ChatComposer({ onSend, children }: ChatComposerProps) {
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
  const insert = (word: string): void => {
    setText((now) =>
      `${now}${now === '' || now.endsWith(' ') ? '' : ' '}${word} `.slice(0, textMax),
    );
    input.current?.focus();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {children}
      <div className="composer-field">
        <textarea
          ref={input}
          rows={1}
          value={text}
          maxLength={textMax}
          placeholder="Say something"
          aria-label="Chat message"
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
