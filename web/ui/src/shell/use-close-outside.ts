// Closes a <details> menu on Escape and on a press elsewhere; with Escape the focus returns to its
// button.
import { useEffect } from 'react';
import type { RefObject } from 'react';

export function useCloseOutside(ref: RefObject<HTMLDetailsElement | null>): void {
  useEffect(() => {
    const close = (event: Event): void => {
      const menu = ref.current;
      if (!menu?.open) return;
      const isKey = event instanceof KeyboardEvent;
      if (isKey && event.key !== 'Escape') return;
      if (!isKey && event.target instanceof Node && menu.contains(event.target)) return;
      menu.open = false;
      if (isKey) menu.querySelector('summary')?.focus();
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, [ref]);
}
