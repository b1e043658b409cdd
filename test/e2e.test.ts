// The main job on the real thing: the one-machine cluster, ffmpeg as publisher, Chromium as viewer.
// One cluster serves all parts, in order; each part says what a user sees.
import t from 'tap';
import { until } from '../cluster/testing/index.js';
import {
  DESKTOP,
  gatewayOf,
  logIn,
  openPage,
  PHONE,
  say,
  shownBalance,
  startBrowser,
  timesInChat,
  videoAdvances,
} from '../bench/testing/browser.js';
import { burst } from '../bench/testing/chat-burst.js';
import { Ledger } from './e2e/ledger.js';
import { processesUnder, startLocalCluster } from '../bench/testing/local-cluster.js';
import { publish } from './e2e/publisher.js';
import { SiteVisitor } from '../bench/testing/site-api.js';

const UPDATE_MS = 1_000;

const cluster = await startLocalCluster(t, {
  env: {
    BILLING_UPDATE_INTERVAL_MS: String(UPDATE_MS),
    BILLING_GRACE_MS: '1000',
    RTMP_UPDATE_INTERVAL_MS: '1000',
  },
});
const demo = cluster.demo();
const account = (username: string): { username: string; password: string } => {
  const found = demo.logins.find((one) => one.username === username);
  if (found === undefined) throw new Error(`no demo account ${username}`);
  return found;
};
const browser = await startBrowser(t);
const anna = await openPage(browser, cluster.siteUrl, DESKTOP);
const ben = await openPage(browser, cluster.siteUrl, PHONE);

/** Where the site sends this account first: the address of its home worker. */
async function homeOf(visitor: SiteVisitor): Promise<string> {
  const { body } = await visitor.call('POST', '/realtime/ticket');
  return (body as { urls: string[] }).urls[0] ?? '';
}

/** ben, or the first new account whose home is another gateway worker than that of anna. */
async function accountAwayFrom(home: string): Promise<{ username: string; password: string }> {
  const ben = new SiteVisitor(cluster.siteUrl);
  await ben.logIn(account('ben'));
  if ((await homeOf(ben)) !== home) return account('ben');
  for (let n = 1; ; n += 1) {
    const guest = { username: `guest${n}`, password: `long enough ${n}` };
    const visitor = new SiteVisitor(cluster.siteUrl);
    await visitor.call('POST', '/auth/signup', { ...guest, email: `guest${n}@example.com` });
    await visitor.logIn(guest);
    if ((await homeOf(visitor)) !== home) return guest;
  }
}

async function liveRooms(): Promise<readonly string[]> {
  const { body } = await new SiteVisitor(cluster.siteUrl).call('GET', '/rooms');
  const { rooms } = body as { rooms: { slug: string; isLive: boolean }[] };
  return rooms.filter(({ isLive }) => isLive).map(({ slug }) => slug);
}

async function balanceOf(username: string, siteUrl: string): Promise<string> {
  const visitor = new SiteVisitor(siteUrl);
  await visitor.logIn(account(username));
  const { body } = await visitor.call('GET', '/me');
  return JSON.stringify((body as { balance: unknown }).balance);
}

await t.test('the first page shows a live show, and an anonymous visitor watches it', async (t) => {
  await until(async () => (await liveRooms()).includes('mira'), {
    everyMs: 100,
    what: 'the demo show is live',
  });
  const { page, faults } = await openPage(browser, cluster.siteUrl, PHONE);
  await page.goto('/');
  await page.getByTestId('room-card').first().click();
  await videoAdvances(page);
  t.same(faults, []);
  await page.context().close();
});

await t.test('a wrong stream key is refused before any media', async (t) => {
  const before = await liveRooms();
  const { code, output } = await publish(cluster, 'sk_wrong').ended;
  t.not(code, 0);
  t.notMatch(output, /frame=\s*[1-9]\d{2}/, 'no stream was accepted');
  t.same(await liveRooms(), before);
});

await t.test('two browsers on different gateway workers watch the same show', async () => {
  const visitor = new SiteVisitor(cluster.siteUrl);
  await visitor.logIn(account('anna'));
  await logIn(anna.page, account('anna'));
  await logIn(ben.page, await accountAwayFrom(await homeOf(visitor)));
  await anna.page.goto('/r/mira');
  await ben.page.goto('/r/mira');
  await Promise.all([videoAdvances(anna.page, 2), videoAdvances(ben.page, 2)]);
  // A worker that is late sends who comes to the other one.
  await until(
    async () => {
      if ((await gatewayOf(anna.page)) !== (await gatewayOf(ben.page))) return true;
      await Promise.all([anna.page.reload(), ben.page.reload()]);
      return false;
    },
    { everyMs: 500, what: 'they are on different workers' },
  );
});

await t.test('they chat with each other', async () => {
  await say(anna.page, 'hello from anna');
  await ben.page.getByTestId('chat-list').getByText('hello from anna').waitFor();
  await say(ben.page, 'hello from ben');
  await anna.page.getByTestId('chat-list').getByText('hello from ben').waitFor();
});

await t.test(
  'a burst of 50 messages a second keeps few lines in the page and ends at the last',
  async (t) => {
    const { body } = await new SiteVisitor(cluster.siteUrl).call('GET', '/rooms/mira');
    const { id: roomId } = body as { id: string };
    const told = await burst(t, { cluster, page: ben.page, roomId, perSec: 50, seconds: 6 });
    t.comment(`${told.framesPerSec.toFixed(1)} frames/s`);
    t.ok(told.rows < 120, `${told.rows} lines in the page`);
    const list = ben.page.getByTestId('chat-list');
    t.match(await list.locator('> li').last().innerText(), told.last);
  },
);

await t.test('a tip shows in the room once and moves balance and ledger', async (t) => {
  const ledger = await Ledger.open(t, cluster);
  const before = await shownBalance(anna.page);
  await anna.page.getByTestId('tip-open').click();
  await anna.page.getByTestId('tip-amount').fill('5');
  await anna.page.getByTestId('tip-text').fill('great show');
  await anna.page.getByTestId('tip-send').click();
  for (const { page } of [anna, ben]) {
    await page.getByTestId('chat-list').getByText('great show').waitFor();
  }
  await until(async () => (await shownBalance(anna.page)) === before - 5_000, {
    everyMs: 100,
    what: 'the shown balance has moved by 5 credits',
  });
  t.equal(await timesInChat(ben.page, 'great show'), 1);
  t.equal(await timesInChat(anna.page, 'great show'), 1);
  const tips = await until(() => ledger.spends('tip'), { what: 'the tip is in the ledger' });
  t.equal(tips.viewerDebit, 5_000n);
  t.equal(tips.viewerDebit, tips.modelShare + tips.siteShare);
  t.equal(await ledger.sumOfEntries(), 0n);
});

await t.test(
  'a viewer with little credit is charged per update, cut off and told why',
  async (t) => {
    const ledger = await Ledger.open(t, cluster);
    const key = demo.streamKeys['nova'];
    if (key === undefined) throw new Error('no stream key of nova');
    const show = publish(cluster, key);
    t.teardown(() => show.stop());
    await until(async () => (await liveRooms()).includes('nova'), {
      everyMs: 100,
      what: 'the paid room is live',
    });

    // Two videos less: the credit is short, and the machine may be slow.
    await Promise.all([anna.page.goto('/'), ben.page.goto('/')]);
    const { page, faults } = await openPage(browser, cluster.siteUrl, DESKTOP);
    await logIn(page, account('cleo'));
    await page.goto('/r/nova');
    await page.getByTestId('enter-paid').click();
    const played = videoAdvances(page).then(() => true);
    const seen = new Set<number>();
    const cutoff = page.getByTestId('cutoff');
    await until(
      async () => {
        seen.add(await shownBalance(page));
        return cutoff.isVisible();
      },
      { deadlineMs: 60_000, everyMs: 100, what: 'the cut-off is shown' },
    );
    t.ok(await played, 'the show was seen');
    t.ok(seen.size >= 4, `the balance moved with the updates: ${[...seen].join(' ')}`);
    t.match(await cutoff.innerText(), /credit/i, 'it says why');
    t.same(faults, []);

    const spent = await until(
      async () => {
        const session = await ledger.spends('show');
        return session !== undefined && session.viewerDebit === 2_000n ? session : undefined;
      },
      { everyMs: 100, what: 'both credits are settled' },
    );
    t.equal(spent.viewerDebit, spent.modelShare + spent.siteShare);
    t.equal(await ledger.sumOfEntries(), 0n);
    t.equal(await ledger.walletOf('cleo'), 0n);
    await page.context().close();
  },
);

await t.test(
  'kill -9 of a gateway loses no acknowledged message; the page comes back',
  async (t) => {
    await Promise.all([anna.page.goto('/r/mira'), ben.page.goto('/r/mira')]);
    const victim = await gatewayOf(anna.page);
    const index = Number(victim.split('-').at(-1)) - 1;
    const ops = cluster.ports.gateways[index]?.ops ?? 0;
    const sent: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const text = `before the fall ${n} of 10`;
      await say(anna.page, text);
      sent.push(text);
    }
    process.kill(await cluster.pidOf(ops), 'SIGKILL');
    await say(anna.page, 'after the fall');
    sent.push('after the fall');
    for (const { page } of [anna, ben]) {
      await page.getByTestId('chat-list').getByText('after the fall').waitFor();
    }
    await until(
      async () =>
        (await anna.page.getByTestId('connection-state').getAttribute('data-state')) === 'online',
      { everyMs: 100, what: 'the page is connected again' },
    );
    for (const text of sent) {
      t.equal(await timesInChat(ben.page, text), 1, `ben sees "${text}" once`);
      t.equal(await timesInChat(anna.page, text), 1, `anna sees "${text}" once`);
    }
    t.same([...anna.faults, ...ben.faults], []);
  },
);

await t.test('SIGTERM stops everything; the next start finds all data', async (t) => {
  // Pages that look for a cluster that is gone would slow its next start down.
  await Promise.all([anna.page.context().close(), ben.page.context().close()]);
  const before = await balanceOf('anna', cluster.siteUrl);
  t.equal(await cluster.stop(), 0, cluster.output().slice(-300));
  t.same(processesUnder(cluster.dataDir), [], 'no process is left');

  const again = await startLocalCluster(t, { like: cluster });
  t.equal(await balanceOf('anna', again.siteUrl), before);
});
