// Single keys while watching: sound, full screen, theatre, picture in picture, chat, settings. They
// can be turned off (WCAG 2.1.4), and never act while somebody types or a dialog is open.
import { useEffect, useRef } from 'react';
import { createStore } from '../state/store.js';

export const shortcuts = {
  m: 'Sound on or off',
  ArrowUp: 'Louder',
  ArrowDown: 'Quieter',
  f: 'Full screen',
  t: 'Theatre mode',
  i: 'Picture in picture',
  a: 'Audio only',
  l: 'Jump to the live moment',
  c: 'Write in the chat',
  '?': 'Show these keys',
} as const;
export type Shortcut = keyof typeof shortcuts;

const storageKey = 'showbill.keys';

function load(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off';
  } catch {
    return true;
  }
}

export const shortcutsOn = createStore(true);

export function setShortcutsOn(isOn: boolean): void {
  shortcutsOn.set(isOn);
  try {
    localStorage.setItem(storageKey, isOn ? 'on' : 'off');
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** What a key means, wherever the focus is; undefined when it is not for the player. */
export function shortcutFor(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  focus: { isTyping: boolean; takesArrows: boolean; isInDialog: boolean },
): Shortcut | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (focus.isTyping || focus.isInDialog) return undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!Object.hasOwn(shortcuts, key)) return undefined;
  if (key.startsWith('Arrow') && focus.takesArrows) return undefined;
  return key as Shortcut;
}

function describeFocus(target: EventTarget | null) {
  const element = target instanceof HTMLElement ? target : undefined;
  return {
    isTyping: element?.closest('input:not([type=range]), textarea, select') != null,
    // A list that scrolls and a slider have their own use for arrows.
    takesArrows: element !== undefined && element !== document.body,
    isInDialog: document.querySelector('dialog[open]') !== null,
  };
}

export function useShortcuts(act: (shortcut: Shortcut) => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    shortcutsOn.set(load());
    const onKey = (event: KeyboardEvent): void => {
      if (!shortcutsOn.get() || event.defaultPrevented) return;
      const shortcut = shortcutFor(event, describeFocus(event.target));
      if (shortcut === undefined) return;
      event.preventDefault();
      latest.current(shortcut);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
