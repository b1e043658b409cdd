// News in a corner of the page, told by screen readers. It goes by itself, but not while the tab is
// in the background, or the pointer or the focus is on it.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { Link } from '../router/link.js';
import { useStore } from '../state/use-store.js';
import { BellIcon, CloseIcon } from '../ui/icons.js';
import { IconButton } from '../ui/button.js';
import { dismissToast, startToasts, toastStore, type Toast } from './toasts.js';

const SHOWN_MS = 10_000;

function onVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

const isInSight = (): boolean => document.visibilityState === 'visible';

function ToastCard({ toast: { id, title, href } }: { toast: Toast }) {
  const [isHeld, setHeld] = useState(false);
  const isSeen = useSyncExternalStore(onVisibility, isInSight);
  useEffect(() => {
    if (isHeld || !isSeen) return;
    const timer = window.setTimeout(() => dismissToast(id), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [id, isHeld, isSeen]);
  const hold = (): void => setHeld(true);
  const letGo = (): void => setHeld(false);
  return (
    <div
      className="toast"
      data-testid="toast"
      onPointerEnter={hold}
      onPointerLeave={letGo}
      onFocus={hold}
      onBlur={letGo}
    >
      <BellIcon />
      <Link href={href} onClick={() => dismissToast(id)}>
        {title}
      </Link>
      <IconButton label={`Dismiss: ${title}`} onClick={() => dismissToast(id)}>
        <CloseIcon />
      </IconButton>
    </div>
  );
}

export function ToastList() {
  useEffect(() => startToasts(), []);
  const toasts = useStore(toastStore);
  return (
    <div className="toasts" role="status">
      {toasts.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </div>
  );
}
