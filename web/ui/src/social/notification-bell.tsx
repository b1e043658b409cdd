// The bell in the masthead: how much is unread, and the list behind it. Opening it marks the list
// as read.
import { useEffect, useRef } from 'react';
import { formatWhen } from '../format/clock.js';
import { Link } from '../router/link.js';
import { safeNext } from '../router/router.js';
import { useCloseOutside } from '../shell/use-close-outside.js';
import { useStore } from '../state/use-store.js';
import { BellIcon } from '../ui/icons.js';
import { markAllRead, notificationStore, startNotifications } from './notifications.js';

let isStarted = false;

function useNotifications() {
  useEffect(() => {
    if (isStarted) return;
    isStarted = true;
    startNotifications();
  }, []);
  return useStore(notificationStore);
}

export function NotificationBell() {
  const page = useNotifications();
  const ref = useRef<HTMLDetailsElement>(null);
  useCloseOutside(ref);
  if (!page) return null;
  const { notifications, unread } = page;
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  return (
    <details
      className="account-menu bell"
      ref={ref}
      onToggle={(event) => {
        if (event.currentTarget.open) markAllRead();
      }}
    >
      <summary
        aria-label={unread > 0 ? `Notifications, ${String(unread)} unread` : 'Notifications'}
      >
        <BellIcon />
        {unread > 0 ? (
          <span className="bell-count number" data-testid="unread">
            {unread > 99 ? '99+' : unread}
          </span>
        ) : null}
      </summary>
      <div className="account-menu-list bell-list">
        {notifications.length === 0 ? (
          <p className="bell-empty">Follow a room and you are told here when it goes live.</p>
        ) : null}
        {notifications.map((one) => (
          <Link
            key={one.id}
            href={safeNext(one.link)}
            className={one.isRead ? '' : 'is-unread'}
            onClick={close}
          >
            {one.title}
            <span className="bell-when">{formatWhen(one.createdAt, Date.now())}</span>
          </Link>
        ))}
      </div>
      <span className="visually-hidden" role="status">
        {unread > 0 ? `${String(unread)} unread notifications` : ''}
      </span>
    </details>
  );
}
