// The small menu of emotes beside the chat input.
import { useRef } from 'react';
import { emoteNames } from './chat-text.js';
import { Emote } from './emote.js';

export function EmoteMenu({ onPick }: { onPick: (word: string) => void }) {
  const ref = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  return (
    <details
      className="emote-menu"
      ref={ref}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) close();
      }}
    >
      <summary aria-label="Emotes" title="Emotes">
        <Emote name="star" />
      </summary>
      <div className="emote-menu-list">
        {emoteNames.map((name) => (
          <button
            key={name}
            type="button"
            title={`:${name}:`}
            onClick={() => {
              close();
              onPick(`:${name}:`);
            }}
          >
            <Emote name={name} />
          </button>
        ))}
      </div>
    </details>
  );
}
