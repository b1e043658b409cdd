// The frame: masthead and the page of the current address, each page in a chunk of its own.
import { Suspense, lazy, useEffect, useRef } from 'react';
import { Boundary } from './ui/boundary.js';
import { Blank, Loading } from './ui/blank.js';
import { Link } from './router/link.js';
import { routeStore } from './router/router.js';
import type { Route } from './router/router.js';
import { sessionStore } from './session/session.js';
import { siteStore } from './site/site.js';
import { ToastList } from './social/toast-list.js';
import { Topbar } from './shell/topbar.js';
import { useSelected, useStore } from './state/use-store.js';

const LiveListPage = lazy(async () => ({
  default: (await import('./lobby/live-list-page.js')).LiveListPage,
}));
const RoomPage = lazy(async () => ({ default: (await import('./room/room-page.js')).RoomPage }));
const ProfilePage = lazy(async () => ({
  default: (await import('./profile/profile-page.js')).ProfilePage,
}));
const ProgrammePage = lazy(async () => ({
  default: (await import('./programme/programme-page.js')).ProgrammePage,
}));
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

/** Before the name of the site; rooms and profiles set their own. */
const titles: Record<Route['page'], string> = {
  live: 'Live now',
  room: '',
  profile: '',
  programme: 'Programme',
  login: 'Log in',
  signup: 'Sign up',
  forgot: 'Forgot the password',
  reset: 'New password',
  activate: 'Confirm your address',
  account: 'Your account',
  credits: 'Credits',
  sandbox: 'Sandbox bank',
  model: 'Your show',
  admin: 'Administration',
  missing: 'Not found',
};

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'live':
      return <LiveListPage tag={route.tag} />;
    case 'profile':
      return <ProfilePage key={route.slug} slug={route.slug} />;
    case 'room':
      return <RoomPage key={route.slug} slug={route.slug} hasChat={route.hasChat} />;
    case 'programme':
      return <ProgrammePage />;
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
  const { name } = useStore(siteStore);
  useEffect(() => {
    const title = titles[route.page];
    document.title = title === '' ? name : `${title} · ${name}`;
  }, [route, name]);
  useEffect(() => {
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
  // In a frame of another site the room stands alone.
  const isFramed = route.page === 'room' && !route.hasChat && window.top !== window.self;
  const key = 'slug' in route ? `${route.page}/${route.slug}` : route.page;
  return (
    <>
      {isFramed ? null : <Topbar />}
      {isFramed ? null : <ToastList />}
      <Boundary resetKey={key}>
        <Suspense fallback={<Loading />}>
          {isStarting ? <Loading /> : <Page route={route} />}
        </Suspense>
      </Boundary>
    </>
  );
}
