// Where a visitor who has not signed in can go, on a phone, where the masthead has no room for it.
import { useRef } from 'react';
import { Link } from '../router/link.js';
import { MenuIcon } from '../ui/icons.js';
import { useCloseOutside } from './use-close-outside.js';

export function SiteMenu() {
  const ref = useRef<HTMLDetailsElement>(null);
  useCloseOutside(ref);
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  return (
    <details className="account-menu phone-menu" ref={ref}>
      <summary aria-label="Pages of the site" data-testid="site-menu">
        <MenuIcon />
      </summary>
      <div className="account-menu-list">
        <Link href="/" onClick={close}>
          Live now
        </Link>
        <Link href="/programme" onClick={close} data-testid="menu-programme">
          Programme
        </Link>
      </div>
    </details>
  );
}
