// The common frame of log-in and sign-up: a narrow card beside the bill of the house.
import { useEffect } from 'react';
import type { ReactNode } from 'react';
import { navigate } from '../router/router.js';
import { sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { Poster } from '../lobby/poster.js';
import '../styles/account.css';

/** A signed-in visitor has no business here and is sent on. */
export function useSendOn(next: string): void {
  const isMember = useSelected(sessionStore, (session) => session.state === 'member');
  useEffect(() => {
    if (isMember) navigate(next, { replace: true });
  }, [isMember, next]);
}

export function AuthFrame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="auth" id="main" tabIndex={-1}>
      <div className="auth-bill">
        <Poster seed="front-of-house" name="Tonight" />
      </div>
      <section className="auth-form">
        <h1 className="display">{title}</h1>
        {children}
      </section>
    </main>
  );
}
