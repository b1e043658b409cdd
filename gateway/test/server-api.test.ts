// The server API as another part of the site uses it: signed HTTP to a worker found in the member
// list, batches with an outcome per call, effects at real clients.
import t, { type Test } from 'tap';
import {
  closeRedis,
  connectRedis,
  createMemoryBus,
  InternalClient,
  signRequest,
  type Member,
} from '../../cluster/index.js';
import { silentLog, startRedis, TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { createGatewayControl, createPublisher, createRoomAdmin } from '../index.js';
import { ServerApi } from '../server-api.js';
import { startInternalHttp } from '../transports/internal-http.js';
import { readViewerCounts } from '../presence-scripts.js';
import { startWorker, watch } from './worker-harness.js';

const by = { id: '9', name: 'site', role: 'admin' };

async function start(t: Test) {
  const { url } = await startRedis(t);
  const redis = await connectRedis(url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  const bus = createMemoryBus({ log: silentLog });
  const worker = await startWorker(t, url, { bus });
  const member: Member = {
    ...{ role: 'gateway', id: 'gateway-1', incarnation: 1, load: 3, draining: false },
    address: { port: '1' },
  };
  const members: Member[] = [member];
  const store = { redis, log: silentLog };
  const api = new ServerApi({
    publisher: createPublisher(store),
    control: createGatewayControl(bus),
    rooms: createRoomAdmin(store),
    viewers: async (room) => (await readViewerCounts(redis, [room]))[0] ?? 0,
    workers: () => members,
  });
  const http = await startInternalHttp({
    ...{ api, secret: TEST_SECRETS.internal, nowMs: () => Date.now(), log: silentLog },
    ...{ host: '127.0.0.1', port: 0 },
  });
  t.teardown(() => http.close());
  const base = `http://127.0.0.1:${http.port}`;
  members[0] = { ...member, address: { ...member.address, internal: base } };
  const client = new InternalClient({
    members: { list: () => members },
    secret: TEST_SECRETS.internal,
  });
  t.teardown(() => client.close());
  const call = (method: string, path: string, body?: unknown): Promise<unknown> =>
    client.call('gateway', method, path, body, { isIdempotent: true });
  return { worker, call, base };
}

t.test('a batch publishes, and the same batch again publishes nothing', async (t) => {
  const { worker, call } = await start(t);
  const anna = watch(t, [worker.url], 'room:1', { sub: '1' });
  await until(() => anna.events.length > 0, { what: 'ready' });
  const calls = [1, 2, 3].map((n) => ({
    ...{ do: 'publish', channel: 'room:1', kind: 't', mid: `k${n}`, body: { n } },
  }));
  const first = await call('POST', '/v1/batch', { calls });
  t.match(first, { results: [{ ok: { offset: 1, isRepeat: false } }, {}, {}] });
  const again = await call('POST', '/v1/batch', { calls });
  t.match(again, { results: [{ ok: { offset: 1, isRepeat: true } }, {}, {}] });
  await until(() => anna.offsets().length >= 3, { what: 'shown' });
  t.same(anna.offsets(), [1, 2, 3]);
  t.match(await call('GET', '/v1/rooms/1/history?limit=2'), { top: 3, msgs: [[2], [3]] });
});

t.test('one bad call of a batch has a coded outcome and harms no other', async (t) => {
  const { call } = await start(t);
  const calls = [
    { do: 'publish', channel: 'no where', kind: 't', mid: 'a', body: {} },
    { do: 'publish', channel: 'room:2', kind: 't', body: {} },
    { do: 'publish', channel: 'room:2', kind: 'far too long', mid: 'b', body: {} },
    { do: 'dance' },
    { do: 'evict', room: '2' },
    { do: 'publish', channel: 'room:2', kind: 't', mid: 'c', body: { fine: true } },
  ];
  t.match(await call('POST', '/v1/batch', { calls }), {
    results: [
      { error: { code: 'GATEWAY_CHANNEL_INVALID', retry: false } },
      { error: { code: 'GATEWAY_BAD_REQUEST' } },
      { error: { code: 'GATEWAY_BAD_REQUEST' } },
      { error: { code: 'GATEWAY_BAD_REQUEST' } },
      { error: { code: 'GATEWAY_BAD_REQUEST' } },
      { ok: { offset: 1 } },
    ],
  });
});

t.test('users are moved to another room and disconnected', async (t) => {
  const { worker, call } = await start(t);
  const anna = watch(t, [worker.url], 'room:3', { sub: '1' });
  const ben = watch(t, [worker.url], 'room:3', { sub: '2' });
  await until(() => anna.events.length > 0 && ben.events.length > 0, { what: 'ready' });
  await until(
    async () => {
      const presence = (await call('GET', '/v1/rooms/3/presence')) as { viewers: number };
      return presence.viewers === 2;
    },
    { what: 'both counted' },
  );
  const move = { do: 'evict', room: '3', user: '1', reason: 'show', redirect: '4' };
  await call('POST', '/v1/batch', { calls: [move, { do: 'disconnect', user: '2' }] });
  await until(() => worker.gateway.connectionCount() === 1, { what: 'ben is out' });
  await until(
    async () => {
      const presence = (await call('GET', '/v1/rooms/3/presence')) as { viewers: number };
      return presence.viewers === 0;
    },
    { what: 'nobody is left in the room' },
  );
});

t.test('settings, flags and acts of a room are changed and read back', async (t) => {
  const { call } = await start(t);
  await call('PUT', '/v1/rooms/5/settings', { by, mid: 's1', settings: { slow: 7 } });
  await call('PUT', '/v1/rooms/5/flags', { isOnline: true, anonsMayEnter: false });
  t.match(await call('GET', '/v1/rooms/5/settings'), {
    ...{ slow: 7, flags: { isOnline: true, anonsMayEnter: false } },
  });
  await call('POST', '/v1/rooms/5/acts', { by, mid: 'b1', action: 'ban', user: '66' });
  const { records } = (await call('GET', '/v1/rooms/5/audit?limit=5')) as {
    records: { action: string }[];
  };
  t.ok(
    records.some(({ action }) => action === 'ban'),
    'on record',
  );
  t.match(await call('GET', '/v1/rooms/5/bans?limit=5'), {
    items: [{ user: '66', kind: 'ban', untilMs: null, by: 'site' }],
  });
  await t.rejects(call('GET', '/v1/rooms/5/bans?limit=0'), { code: 'GATEWAY_BAD_REQUEST' });
  await t.rejects(call('POST', '/v1/rooms/5/acts', { by, mid: 'b2', action: 'hug', user: '66' }), {
    code: 'GATEWAY_ACT_INVALID',
  });
});

t.test('the route names the workers that a user should try, best first', async (t) => {
  const { call } = await start(t);
  t.match(await call('GET', '/v1/route?user=7&room=1'), {
    workers: [{ id: 'gateway-1', address: { port: '1' } }],
  });
  await t.rejects(call('GET', '/v1/route'), { code: 'GATEWAY_BAD_REQUEST' });
});

t.test('unsigned, forged, unknown and oversized calls are refused with a code', async (t) => {
  const { base } = await start(t);
  const post = async (path: string, body: string, headers: Record<string, string>) => {
    const reply = await fetch(base + path, { method: 'POST', body, headers });
    const { error } = (await reply.json()) as { error?: { code: string } };
    return [reply.status, error?.code];
  };
  const signed = (path: string, body: string): Record<string, string> => {
    const options = { secret: TEST_SECRETS.internal, nowMs: Date.now() };
    return signRequest({ method: 'POST', path, body }, options);
  };
  t.same(await post('/v1/batch', '{}', {}), [401, 'INTERNAL_UNSIGNED']);
  t.same(await post('/v1/batch', '{"a":1}', signed('/v1/batch', '{}')), [401, 'INTERNAL_FORGED']);
  t.same(await post('/v1/batch', 'x', signed('/v1/batch', 'x')), [400, 'GATEWAY_BAD_REQUEST']);
  t.same(await post('/v1/batch', '{}', signed('/v1/batch', '{}')), [400, 'GATEWAY_BAD_REQUEST']);
  t.same(await post('/v1/nothing', '', signed('/v1/nothing', '')), [404, 'GATEWAY_NO_SUCH_CALL']);
  const path = '/v1/rooms/%ff/acts';
  t.same(await post(path, '', signed(path, '')), [400, 'GATEWAY_BAD_REQUEST']);
  const big = JSON.stringify({ calls: [{ do: 'x'.repeat(1024 * 1024) }] });
  t.same(await post('/v1/batch', big, signed('/v1/batch', big)), [413, 'GATEWAY_BODY_TOO_LARGE']);
});
