// The frame: masthead and the page of the current address, each page in a chunk of its own.
import { Suspense, lazy, useEffect, useRef } from 'react';
import { Boundary } from './ui/boundary.js';
import { Blank, Loading } from './ui/blank.js';
import { Link } from './router/link.js';
import { routeStore } from './router/router.js';
import type { Route } from './router/router.js';
import { sessionStore } from './session/session.js';
import { Topbar } from './shell/topbar.js';
import { useSelected, useStore } from './state/use-store.js';

const LiveListPage = lazy(async () => ({
  default: (await import('./lobby/live-list-page.js')).LiveListPage,
}));
const RoomPage = lazy(async () => ({ default: (await import('./room/room-page.js')).RoomPage }));
const LoginPage = lazy(async () => ({
  default: (await import('./account/login-page.js')).LoginPage,
}));
const SignupPage = lazy(async () => ({
  default: (await import('./account/signup-page.js')).SignupPage,
}));
const ModelPage = lazy(async () => ({
  default: (await import('./model/model-page.js')).ModelPage,
}));
const AdminPage = lazy(async () => ({
  default: (await import('./admin/admin-page.js')).AdminPage,
}));

const AccountPage = lazy(async () => ({
  default: (await import('./account/account-page.js')).AccountPage,
}));
const CreditsPage = lazy(async () => ({
  default: (await import('./credits/credits-page.js')).CreditsPage,
}));
const SandboxPage = lazy(async () => ({
  default: (await import('./credits/sandbox-page.js')).SandboxPage,
}));
const recovery = () => import('./account/recovery-pages.js');
const ForgotPage = lazy(async () => ({ default: (await recovery()).ForgotPage }));
const ResetPage = lazy(async () => ({ default: (await recovery()).ResetPage }));
const ActivatePage = lazy(async () => ({ default: (await recovery()).ActivatePage }));

const titles: Record<Route['page'], string> = {
  live: 'Live now · Showbill',
  room: 'Showbill',
  login: 'Log in · Showbill',
  signup: 'Sign up · Showbill',
  forgot: 'Forgot the password · Showbill',
  reset: 'New password · Showbill',
  activate: 'Confirm your address · Showbill',
  account: 'Your account · Showbill',
  credits: 'Credits · Showbill',
  sandbox: 'Sandbox bank · Showbill',
  model: 'Your show · Showbill',
  admin: 'Administration · Showbill',
  missing: 'Not found · Showbill',
};

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'live':
      return <LiveListPage />;
    case 'room':
      return <RoomPage key={route.slug} slug={route.slug} />;
    case 'login':
      return <LoginPage next={route.next} />;
    case 'signup':
      return <SignupPage next={route.next} />;
    case 'forgot':
      return <ForgotPage />;
    case 'reset':
      return <ResetPage token={route.token} />;
    case 'activate':
      return <ActivatePage token={route.token} />;
    case 'account':
      return <AccountPage />;
    case 'credits':
      return <CreditsPage next={route.next} />;
    case 'sandbox':
      return <SandboxPage purchase={route.purchase} />;
    case 'model':
      return <ModelPage />;
    case 'admin':
      return <AdminPage />;
    case 'missing':
      return (
        <Blank title="Nothing on this stage">
          <p>The address leads nowhere. Perhaps the show has moved.</p>
          <Link className="button button-primary" href="/">
            See what is live
          </Link>
        </Blank>
      );
  }
}

/** After a change of page, keyboard and screen reader start at the new content. */
function useFocusOnMove(route: Route): void {
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = titles[route.page];
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
  }, [route]);
}

export function App() {
  const route = useStore(routeStore);
  const isStarting = useSelected(sessionStore, (session) => session.state === 'starting');
  useFocusOnMove(route);
  const key = route.page === 'room' ? `room/${route.slug}` : route.page;
  return (
    <>
      <Topbar />
      <Boundary resetKey={key}>
        <Suspense fallback={<Loading />}>
          {isStarting ? <Loading /> : <Page route={route} />}
        </Suspense>
      </Boundary>
    </>
  );
}
