// What all journeys share: one cluster with activation and recordings, one browser with a pretended
// camera, the operator, and people who act beside the traveller through the API.
import type { Browser } from 'playwright-core';
import { WebSocket } from 'ws';
import { type TestScope, until } from '../../cluster/testing/index.js';
import { RealtimeClient } from '../../gateway/client/index.js';
import { startBrowser } from '../../bench/testing/browser.js';
import { type LocalCluster, startLocalCluster } from '../../bench/testing/local-cluster.js';
import { SiteVisitor } from '../../bench/testing/site-api.js';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** An account with an open API session. */
export interface Person extends Login {
  readonly id: string;
  readonly email: string;
  readonly api: SiteVisitor;
}

/** Of the site's own, by its settings alone. */
const LOOK = {
  logoUrl: '/favicon.svg',
  accentColour: '#ffc94d',
  accentRgb: 'rgb(255, 201, 77)',
} as const;

export interface House {
  readonly look: typeof LOOK;
  readonly cluster: LocalCluster;
  readonly browser: Browser;
  /** Where screenshots go; empty = none. */
  readonly shotsDir: string;
  readonly admin: Person;
  /** Performer of the free room that is on the air all evening. */
  readonly mira: Person;
  /** Performer of the paid room. */
  readonly nova: Person;
}

export const PASSWORD = 'a long and quiet evening';

/** Credits in milli. */
export const credits = (whole: number): string => String(whole * 1_000);

/** The body of an answer that has to succeed. */
export async function ask<T>(
  who: Person,
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await who.api.call(method, path, body);
  if (answer.status >= 300) {
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body as T;
}

async function comeIn(siteUrl: string, login: Login, email = ''): Promise<Person> {
  const api = new SiteVisitor(siteUrl);
  await api.logIn(login);
  const { body } = await api.call('GET', '/me');
  return { ...login, email, api, id: (body as { user: { id: string } }).user.id };
}

export async function openHouse(t: TestScope, shotsDir: string): Promise<House> {
  const cluster = await startLocalCluster(t, {
    env: {
      WEB_ACTIVATION: 'required',
      RECORDERS: 'main:all',
      BILLING_UPDATE_INTERVAL_MS: '1000',
      BILLING_GRACE_MS: '1000',
      BILLING_EARNINGS_HOLD_DAYS: '0',
      BILLING_PAYOUT_MINIMUM_MILLI: '1000',
      BILLING_FINANCE_INTERVAL_MS: '1000',
      RTMP_UPDATE_INTERVAL_MS: '1000',
      WEB_LOGO_URL: LOOK.logoUrl,
      WEB_ACCENT_COLOUR: LOOK.accentColour,
      // All journeys come from one address.
      WEB_LOGINS_PER_MIN_MAX: '1000',
      WEB_SIGN_UPS_PER_HOUR_MAX: '1000',
    },
  });
  const browser = await startBrowser(t, [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
  ]);
  const demo = (name: string): Promise<Person> => {
    const login = cluster.demo().logins.find(({ username }) => username === name);
    if (login === undefined) throw new Error(`no demo account ${name}`);
    return comeIn(cluster.siteUrl, login);
  };
  const [admin, mira, nova] = [await demo('admin'), await demo('mira'), await demo('nova')];
  return { look: LOOK, cluster, browser, shotsDir, admin, mira, nova };
}

/** The link in the newest mail to this address, as the operator reads it. */
export async function linkMailedTo(house: House, email: string): Promise<string> {
  return until(
    async () => {
      const { mails } = await ask<{ mails: { to: string; body: string }[] }>(
        house.admin,
        'GET',
        '/admin/mailbox',
      );
      return mails.find(({ to }) => to === email)?.body.match(/https?:\/\/\S+/)?.[0];
    },
    { everyMs: 100, what: `a mail to ${email}` },
  );
}

/** A confirmed account with this many credits. */
export async function enrol(house: House, username: string, whole = 0): Promise<Person> {
  const { siteUrl } = house.cluster;
  const login = { username, password: PASSWORD };
  const email = `${username}@example.com`;
  const stranger = new SiteVisitor(siteUrl);
  await stranger.call('POST', '/auth/signup', { ...login, email });
  const token = new URL(await linkMailedTo(house, email)).searchParams.get('token');
  const { status } = await stranger.call('POST', '/auth/activate', { token });
  if (status >= 300) throw new Error(`${username} could not be activated: ${status}`);
  const person = await comeIn(siteUrl, login, email);
  if (whole > 0) {
    await ask(house.admin, 'POST', '/admin/grants', {
      username,
      amountMilli: credits(whole),
      reason: 'seat money',
      key: `seat-money-of-${username}`,
    });
  }
  return person;
}

/** Waits until what this model has earned can be paid out. */
export async function earningsRipe(model: Person): Promise<void> {
  await until(
    async () =>
      (await ask<{ available: string }>(model, 'GET', '/model/earnings')).available !== '0',
    { deadlineMs: 60_000, everyMs: 200, what: `${model.username} has earned something` },
  );
}

/** An approved model with a room `/r/<username>`. */
export async function enrolModel(house: House, username: string): Promise<Person> {
  const person = await enrol(house, username);
  await ask(person, 'POST', '/model/apply', { displayName: username, about: '' });
  await ask(house.admin, 'POST', `/admin/models/${person.id}/approve`, {});
  return person;
}

/** Somebody in the chat of a room, without a browser. Leaves when the scope ends. */
export function chatter(
  t: TestScope,
  person: Person,
  slug: string,
): { say: (text: string) => Promise<unknown> } {
  interface Ticket {
    token: string;
    urls: string[];
    sockjsUrls: string[];
  }
  interface Entry {
    ticket: string;
    channel: string;
  }
  const client = new RealtimeClient({
    credentials: () => ask<Ticket>(person, 'POST', '/realtime/ticket', {}),
    WebSocket,
  });
  const enter = (): Promise<Entry> => ask<Entry>(person, 'POST', `/rooms/${slug}/enter`, {});
  const joined = enter().then(({ channel }) => {
    client.subscribe(channel, { ticket: async () => (await enter()).ticket }, {});
    client.connect();
    return channel;
  });
  t.teardown(() => client.close());
  return { say: async (text) => client.publish(await joined, text) };
}
