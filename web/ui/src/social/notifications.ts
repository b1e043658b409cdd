// The member's notifications: read from the site at sign-in and again whenever the own channel says
// that there is news. Undefined while nobody is signed in or the site cannot tell.
import { fetchNotifications, markNotificationsRead } from '../api/social.js';
import type { NotificationPage } from '../api/social.js';
import { onNews } from '../realtime/realtime.js';
import { sessionStore } from '../session/session.js';
import { createStore } from '../state/store.js';

export const notificationStore = createStore<NotificationPage | undefined>(undefined);

let owner: string | undefined;

async function refresh(): Promise<void> {
  const asked = owner;
  if (asked === undefined) return;
  const page = await fetchNotifications().catch(() => undefined);
  if (page && asked === owner) notificationStore.set(page);
}

/** Follows the session for as long as the page lives. */
export function startNotifications(): void {
  const follow = (): void => {
    const next = sessionStore.get().user?.id;
    if (next === owner) return;
    owner = next;
    notificationStore.set(undefined);
    void refresh();
  };
  sessionStore.subscribe(follow);
  follow();
  onNews(() => void refresh());
}

/** The list was looked at. Shown at once; the site is told, and asked again when that fails. */
export function markAllRead(): void {
  const page = notificationStore.get();
  const newest = page?.notifications[0];
  if (!page || !newest || page.unread === 0) return;
  notificationStore.set({ ...page, unread: 0 });
  markNotificationsRead(newest.id).catch(() => void refresh());
}
