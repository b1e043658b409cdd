// The list of names that opens while one is typed after @; keys move in it and take from it.
import { useState } from 'react';
import type { KeyboardEvent, RefObject } from 'react';
import { flushSync } from 'react-dom';
import { completeMention, mentionAt, suggestNames } from './mention-search.js';

export interface Mentions {
  names: string[];
  /** Index of the name that Enter or Tab takes. */
  active: number;
  /** Call after every change of the text or the caret. */
  look: () => void;
  pick: (name: string) => void;
  close: () => void;
  /** @returns whether the key was for the list */
  onKey: (event: KeyboardEvent) => boolean;
}

export function useMentions(
  input: RefObject<HTMLTextAreaElement | null>,
  knownNames: () => Iterable<string>,
  setText: (text: string) => void,
): Mentions {
  const [names, setNames] = useState<string[]>([]);
  const [active, setActive] = useState(0);
  const close = (): void => {
    setNames([]);
    setActive(0);
  };
  const queryNow = () => {
    const box = input.current;
    return box ? mentionAt(box.value, box.selectionStart) : undefined;
  };
  const look = (): void => {
    const query = queryNow();
    setNames(query ? suggestNames(knownNames(), query.typed) : []);
    setActive(0);
  };
  const pick = (name: string): void => {
    const box = input.current;
    const query = queryNow();
    close();
    if (!box || !query) return;
    const { text, caret } = completeMention(box.value, query, name);
    // At once: a key that is typed before the next frame must not find the caret moved under it.
    flushSync(() => {
      setText(text);
    });
    box.focus();
    box.setSelectionRange(caret, caret);
  };
  const onKey = (event: KeyboardEvent): boolean => {
    if (names.length === 0) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const name = names[active];
    if (step !== undefined) setActive((active + step + names.length) % names.length);
    else if (event.key === 'Escape') close();
    else if ((event.key === 'Enter' || event.key === 'Tab') && name !== undefined) pick(name);
    else return false;
    event.preventDefault();
    return true;
  };
  return { names, active, look, pick, close, onKey };
}
