// The signed-in visitor's menu: who, where to, log out. On a phone it also carries the site
// navigation.
import { useRef } from 'react';
import { Link } from '../router/link.js';
import { navigate } from '../router/router.js';
import { signOut } from '../session/session.js';
import type { Account } from '../api/accounts.js';
import { UserIcon } from '../ui/icons.js';
import { useCloseOutside } from './use-close-outside.js';

interface AccountMenuProps {
  user: Account;
  hasProgramme: boolean;
}

export function AccountMenu({ user, hasProgramme }: AccountMenuProps) {
  const ref = useRef<HTMLDetailsElement>(null);
  useCloseOutside(ref);
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  const leave = async (): Promise<void> => {
    close();
    await signOut().catch(() => undefined);
    navigate('/');
  };
  return (
    <details className="account-menu" ref={ref}>
      <summary aria-label={`Account menu of ${user.username}`}>
        <UserIcon />
        <span className="account-name">{user.username}</span>
      </summary>
      <div className="account-menu-list">
        <p className="account-menu-who">
          <strong>{user.username}</strong>
          {user.role === 'viewer' ? 'Viewer' : user.role === 'model' ? 'Model' : 'Administrator'}
        </p>
        <Link href="/" onClick={close}>
          Live now
        </Link>
        {hasProgramme ? (
          <Link href="/programme" onClick={close} data-testid="menu-programme">
            Programme
          </Link>
        ) : null}
        <Link href="/credits" onClick={close}>
          Credits
        </Link>
        <Link href="/account" onClick={close}>
          Account
        </Link>
        <Link href="/model" onClick={close}>
          {user.role === 'model' ? 'Your show' : 'Become a model'}
        </Link>
        {user.rights.length > 0 ? (
          <Link href="/admin" onClick={close}>
            Administration
          </Link>
        ) : null}
        <button type="button" onClick={() => void leave()}>
          Log out
        </button>
      </div>
    </details>
  );
}
