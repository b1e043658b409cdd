// Who is let in, by real handshakes on both listeners: the caps of an address and of an account,
// the rate of arrivals, a late event loop, the origin of the page; and that the tables stay small.
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { ADDRESSES_MAX, AddressCaps, networkOf } from '../address-caps.js';
import { createAdmission } from '../admission.js';
import { watchLoopLag } from '../loop-lag.js';
import { addressOf, forwarded, listeners, shake, type Answer } from './handshakes.js';
import { startClient, startWorker } from './worker-harness.js';

const { url: redisUrl } = await startRedis(t);
const trustedProxies = ['127.0.0.1'];

/** What a refused client is told. */
const refusal = ({ status, body, retryAfter }: Answer) => {
  const seconds = Number(retryAfter);
  return [status, body, Number.isInteger(seconds) && seconds >= 2 && seconds < 6];
};

for (const listener of listeners) {
  t.test(`${listener}: an address has so many connections, and others have theirs`, async (t) => {
    const admission = { addressConnectionsMax: 2 };
    const worker = await startWorker(t, redisUrl, { admission, trustedProxies });
    const knock = (from: string) => shake(t, addressOf(worker, listener), forwarded(from));
    const first = await knock('192.0.2.1');
    t.equal((await knock('192.0.2.1')).status, 101);
    t.same(refusal(await knock('192.0.2.1')), [503, 'address_connections', true]);
    t.equal((await knock('192.0.2.2')).status, 101, 'another address');
    t.equal((await knock('2001:db8:1:2::3')).status, 101);
    t.equal((await knock('2001:db8:1:2:ffff::9')).status, 101);
    t.same(
      refusal(await knock('2001:db8:1:2::77')),
      [503, 'address_connections', true],
      'an IPv6 client cannot choose another address of its own network',
    );
    first.socket?.close();
    await until(() => worker.gateway.connectionsOf('192.0.2.1') === 1, { what: 'one has left' });
    t.equal((await knock('192.0.2.1')).status, 101, 'a place is free again');
    t.match(
      await worker.gateway.scrape(),
      /rejects_total\{reason="address_connections",role="gateway"\} 2/,
    );
  });

  t.test(`${listener}: an address opens so many connections a second`, async (t) => {
    let nowMs = 1_000_000;
    const admission = { addressConnectsPerSecMax: 3, nowMs: () => nowMs };
    const worker = await startWorker(t, redisUrl, { admission, trustedProxies });
    const knock = (from: string) => shake(t, addressOf(worker, listener), forwarded(from));
    for (let n = 0; n < 3; n += 1) t.equal((await knock('192.0.2.1')).status, 101);
    t.same(refusal(await knock('192.0.2.1')), [503, 'address_rate', true]);
    t.equal((await knock('192.0.2.2')).status, 101, 'another address');
    nowMs += 340;
    t.equal((await knock('192.0.2.1')).status, 101, 'one more after a third of a second');
    t.same(refusal(await knock('192.0.2.1')), [503, 'address_rate', true]);
  });

  t.test(`${listener}: what all addresses may do together is bounded too`, async (t) => {
    let nowMs = 1_000_000;
    const admission = { connectsPerSecMax: 2, connectionsMax: 4, nowMs: () => nowMs };
    const worker = await startWorker(t, redisUrl, { admission, trustedProxies });
    const knock = (n: number) =>
      shake(t, addressOf(worker, listener), forwarded(`198.51.100.${n}`));
    t.same([(await knock(1)).status, (await knock(2)).status], [101, 101]);
    t.same(refusal(await knock(3)), [503, 'overloaded', true]);
    nowMs += 1_000;
    t.same([(await knock(4)).status, (await knock(5)).status], [101, 101]);
    nowMs += 1_000;
    t.same(refusal(await knock(6)), [503, 'overloaded', true], 'the worker is full');
  });

  t.test(`${listener}: handshakes wait while the event loop is late, or it drains`, async (t) => {
    let lagMs = 400;
    let isDraining = false;
    const admission = { lagMs: () => lagMs, isDraining: () => isDraining };
    const worker = await startWorker(t, redisUrl, { admission });
    const knock = () => shake(t, addressOf(worker, listener));
    t.same(refusal(await knock()), [503, 'overloaded', true]);
    lagMs = 20;
    t.equal((await knock()).status, 101);
    isDraining = true;
    t.same(refusal(await knock()), [503, 'draining', true]);
  });

  t.test(`${listener}: a page of another origin is refused before there is a socket`, async (t) => {
    const isOriginAllowed = (origin: string): boolean => ['', 'https://site.test'].includes(origin);
    const worker = await startWorker(t, redisUrl, { isOriginAllowed });
    const knock = (origin?: string) =>
      shake(t, addressOf(worker, listener), origin === undefined ? {} : { origin });
    t.equal((await knock('https://site.test')).status, 101);
    t.equal((await knock()).status, 101, 'no browser');
    for (const origin of ['https://evil.test', 'null', 'https://site.test.evil.test']) {
      const { status, body } = await knock(origin);
      t.same([status, body], [403, 'origin'], origin);
    }
    t.equal(worker.gateway.connectionCount(), 2);
  });
}

t.test('SockJS polling is admitted once for a session, not at each poll', async (t) => {
  const admission = { addressConnectsPerSecMax: 1, nowMs: () => 1_000_000 };
  const worker = await startWorker(t, redisUrl, { admission, sockjs: { heartbeatMs: 50 } });
  const poll = (session: string) =>
    fetch(`${worker.sockjsUrl}/000/${session}/xhr`, { method: 'POST' });
  t.equal(await (await poll('a')).text(), 'o\n');
  t.equal(await (await poll('a')).text(), 'h\n', 'the same session');
  const refused = await poll('b');
  t.same([refused.status, await refused.text()], [503, 'address_rate']);
  t.ok(Number(refused.headers.get('retry-after')) >= 2);
});

t.test('a WebSocket with the name of a running session is one more connection', async (t) => {
  const admission = { addressConnectsPerSecMax: 1, nowMs: () => 1_000_000 };
  const worker = await startWorker(t, redisUrl, { admission });
  const url = `${worker.sockjsUrl}/000/running`;
  t.equal(await (await fetch(`${url}/xhr`, { method: 'POST' })).text(), 'o\n');
  const { status, body } = await shake(t, `${url.replace('http', 'ws')}/websocket`);
  t.same([status, body], [503, 'address_rate']);
});

t.test('an account has so many connections; the newest is refused and told why', async (t) => {
  const worker = await startWorker(t, redisUrl, { settings: { userConnectionsMax: 2 } });
  const open = (sub: string) => {
    const client = startClient(t, [worker.url], { sub });
    const states: string[] = [];
    client.on('state', (state, reason) =>
      states.push(reason === '' ? state : `${state} ${reason}`),
    );
    client.connect();
    return { client, states };
  };
  const [one, two] = [open('anna'), open('anna')];
  await until(() => [one, two].every(({ states }) => states.includes('online')), { what: 'both' });
  const three = open('anna');
  const refused = 'closed too_many_connections';
  await until(() => three.states.includes(refused), { what: 'the third is told' });
  t.same(three.states, ['connecting', refused], 'and does not come again by itself');
  t.equal(one.client.state, 'online', 'older ones stay');
  t.equal(two.client.state, 'online');
  const ben = open('ben');
  await until(() => ben.states.includes('online'), { what: 'somebody else' });
  one.client.close();
  await until(() => worker.gateway.connectionCount() === 2, { what: 'a tab was closed' });
  const four = open('anna');
  await until(() => four.states.includes('online'), { what: 'its place is free' });
  t.match(await worker.gateway.scrape(), /closes_total\{code="4004",role="gateway"\} 1/);
});

t.test('the table of addresses is bounded, and what is at rest is forgotten', (t) => {
  let nowMs = 1_000_000;
  const caps = new AddressCaps({
    addressConnectionsMax: 0,
    addressConnectsPerSecMax: 10,
    connectionsOf: () => 0,
    isProxy: (address) => address === '10.0.0.1',
    nowMs: () => nowMs,
  });
  for (let n = 0; n < ADDRESSES_MAX + 5_000; n += 1) {
    caps.refuse(`2001:db8:${n >> 12}:${(n & 4095).toString(16)}::9`);
  }
  t.equal(caps.size, ADDRESSES_MAX);
  nowMs += 5_000;
  t.equal(caps.refuse('192.0.2.1'), undefined);
  t.equal(caps.size, 1);
  for (let n = 0; n < 100; n += 1) t.equal(caps.refuse('10.0.0.1'), undefined, 'a proxy itself');
  t.end();
});

t.test('a network is what one client can choose addresses from', (t) => {
  const rows = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2::3', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:0000:0000:0000:0009', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::', 'fe80:0:0:0::/64'],
    ['', ''],
  ];
  for (const [address = '', network] of rows) t.equal(networkOf(address), network, address);
  t.end();
});

t.test('what an address is refused costs the others nothing', (t) => {
  const admission = createAdmission({
    connectionsMax: 100,
    connectsPerSecMax: 5,
    addressConnectionsMax: 0,
    addressConnectsPerSecMax: 1,
    connectionCount: () => 0,
    connectionsOf: () => 0,
    isProxy: () => false,
    isDraining: () => false,
    lagMs: () => 0,
    nowMs: () => 1_000_000,
  });
  t.equal(admission.admit('192.0.2.1'), undefined);
  for (let n = 0; n < 50; n += 1) t.equal(admission.admit('192.0.2.1'), 'address_rate');
  for (let n = 2; n < 6; n += 1) t.equal(admission.admit(`192.0.2.${n}`), undefined);
  t.equal(admission.admit('192.0.2.9'), 'overloaded');
  t.end();
});

t.test('the lag of the loop shows before the probe has had its turn', async (t) => {
  let nowMs = 0;
  const lag = watchLoopLag(() => nowMs);
  t.teardown(() => lag.stop());
  t.equal(lag.lagMs(), 0);
  nowMs = 600;
  t.equal(lag.lagMs(), 500, 'overdue by half a second');
  await until(
    () => {
      nowMs += 1;
      return lag.lagMs() < 100;
    },
    { what: 'a probe in time' },
  );
  t.pass('and is over once the loop turns again');
});
