// A page for members only: strangers are offered to log in, and come back here afterwards.
import type { ReactNode } from 'react';
import { Link } from '../router/link.js';
import { loginHref } from '../router/router.js';
import { useStore } from '../state/use-store.js';
import { Blank } from '../ui/blank.js';
import type { Account } from '../api/accounts.js';
import { sessionStore } from './session.js';

interface RequireMemberProps {
  title: string;
  children: (user: Account) => ReactNode;
}

export function RequireMember({ title, children }: RequireMemberProps) {
  const { user } = useStore(sessionStore);
  if (user) return children(user);
  return (
    <Blank title={title}>
      <p>Log in to open this page.</p>
      <Link className="button button-primary" href={loginHref()}>
        Log in
      </Link>
    </Blank>
  );
}
