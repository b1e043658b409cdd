// News that is shown for a moment in the one tab that the member looks at; the bell of every tab
// keeps it. Only what leads somewhere else: a page says itself what is new about it.
import { inOneTab, onNews } from '../realtime/realtime.js';
import { safeNext } from '../router/router.js';
import { sessionStore } from '../session/session.js';
import { createStore } from '../state/store.js';

export interface Toast {
  id: string;
  title: string;
  href: string;
}

/** More would cover the page; the oldest gives way. */
const TOASTS_MAX = 3;

export const toastStore = createStore<readonly Toast[]>([]);

export function dismissToast(id: string): void {
  toastStore.update((toasts) => toasts.filter((one) => one.id !== id));
}

function show(toast: Toast): void {
  if (toast.href === location.pathname) return;
  toastStore.update((toasts) => [...toasts, toast].slice(-TOASTS_MAX));
}

/** Until the answer is called. */
export function startToasts(): () => void {
  let owner = sessionStore.get().user?.id;
  const forget = sessionStore.subscribe(() => {
    const next = sessionStore.get().user?.id;
    if (next !== owner) toastStore.set([]);
    owner = next;
  });
  const stop = onNews(({ id, title, link }) => {
    if (link === '') return;
    inOneTab(`toast ${id}`, () => show({ id, title, href: safeNext(link) }));
  });
  return () => {
    stop();
    forget();
  };
}
