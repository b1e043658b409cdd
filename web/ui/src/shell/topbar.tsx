// The masthead of every page.
import { Link } from '../router/link.js';
import { loginHref, routeStore, safeNext } from '../router/router.js';
import { useNowNext } from '../programme/now-store.js';
import { sessionStore } from '../session/session.js';
import { siteStore } from '../site/site.js';
import { NotificationBell } from '../social/notification-bell.js';
import { useStore } from '../state/use-store.js';
import { AccountMenu } from './account-menu.js';
import { BalanceChip } from './balance-chip.js';
import { ConnectionBadge } from './connection-badge.js';
import { SiteMenu } from './site-menu.js';

/** The name or logo of the site; it leads to the live list or where the site's settings say. */
function Masthead() {
  const { name, logoUrl, homeUrl } = useStore(siteStore);
  const words = logoUrl === '' ? name : <img src={logoUrl} alt={name} />;
  if (homeUrl === '' || homeUrl.startsWith('/')) {
    return (
      <Link className="masthead" href={safeNext(homeUrl)}>
        {words}
      </Link>
    );
  }
  return (
    <a className="masthead" href={homeUrl}>
      {words}
    </a>
  );
}

export function Topbar() {
  const route = useStore(routeStore);
  const session = useStore(sessionStore);
  const hasProgramme = useNowNext().length > 0 || route.page === 'programme';
  const isOwnPage = route.page === 'login' || route.page === 'signup';
  const current = (page: string) =>
    route.page === page ? { 'aria-current': 'page' as const } : {};
  return (
    <header className="topbar">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <Masthead />
      <nav className="topnav" aria-label="Site">
        <Link href="/" {...current('live')}>
          Live now
        </Link>
        {hasProgramme ? (
          <Link href="/programme" data-testid="nav-programme" {...current('programme')}>
            Programme
          </Link>
        ) : null}
        {session.state === 'member' ? (
          <Link href="/model" {...current('model')}>
            {session.user?.role === 'model' ? 'Your show' : 'Broadcast'}
          </Link>
        ) : null}
        {(session.user?.rights.length ?? 0) > 0 ? (
          <Link href="/admin" {...current('admin')}>
            Administration
          </Link>
        ) : null}
      </nav>
      <div className="topbar-end">
        <ConnectionBadge />
        {session.state === 'member' && session.user ? (
          <>
            <BalanceChip />
            <NotificationBell />
            <AccountMenu user={session.user} hasProgramme={hasProgramme} />
          </>
        ) : null}
        {session.state === 'anonymous' ? (
          <>
            <Link className="button button-quiet" href={isOwnPage ? '/login' : loginHref()}>
              Log in
            </Link>
            <Link
              className="button button-primary"
              href={isOwnPage ? '/signup' : loginHref('signup')}
            >
              Sign up
            </Link>
            {hasProgramme ? <SiteMenu /> : null}
          </>
        ) : null}
      </div>
    </header>
  );
}
