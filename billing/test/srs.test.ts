// SRS as media server: its hooks over HTTP, and the poller of its client list against an HTTP
// server that answers as SRS's API documents it (no registry carries SRS itself).
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { openShop, type RoleStage, startRole, STREAM_KEY } from './role-stage.js';
import { startSrs } from './srs-server.js';

async function hook(stage: RoleStage, action: string, more: object = {}): Promise<number> {
  const common = { server_id: 'vid-1', service_id: 's', ip: '10.0.0.9', vhost: '__defaultVhost__' };
  const body = { ...common, action, client_id: 'c1', app: 'live', stream: 'stream-seven', ...more };
  const response = await fetch(`${stage.base}/hooks/srs`, {
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  });
  t.equal(response.status, 200, 'the code says it, not the status');
  return ((await response.json()) as { code: number }).code;
}

t.test('hooks are answered with 0 or a code', async (t) => {
  const stage = await startRole(t);
  await openShop(stage);
  t.equal(await hook(stage, 'on_connect', { tcUrl: 'rtmp://h/live' }), 0);
  t.equal(await hook(stage, 'on_publish', { param: `?key=${STREAM_KEY}` }), 0);
  t.equal(await hook(stage, 'on_publish', { param: '?key=sk_wrong', client_id: 'c2' }), 403);
  t.equal(await hook(stage, 'on_publish', { client_id: 'c2' }), 403, 'no key at all');
  const foreign = { stream: 'another', param: `?key=${STREAM_KEY}`, client_id: 'c2' };
  t.equal(await hook(stage, 'on_publish', foreign), 403, 'the key of another stream');
  t.equal(await hook(stage, 'on_play', { client_id: 'c3' }), 403, 'a paid room without token');
  const opened = await stage.client.openSession({ viewerId: '42', roomId: '7', key: 'open-key-1' });
  const param = `?token=${opened.playToken}`;
  t.equal(await hook(stage, 'on_play', { client_id: 'c3', param }), 0);
  t.equal(await hook(stage, 'on_stop', { client_id: 'c3', param }), 0);
  t.equal(await hook(stage, 'on_hls', { duration: 9.3, file: '/x.ts', seq_no: 4 }), 0);
  t.equal(await hook(stage, 'on_dvr', { file: '/x.flv' }), 0);
  t.equal(await hook(stage, 'on_unpublish', { param: `?key=${STREAM_KEY}` }), 0);
  t.equal(await hook(stage, 'on_close', { send_bytes: 1, recv_bytes: 2 }), 0);
  t.equal(await hook(stage, 'on_rubbish'), 400);
  for (const body of ['', '[]', '{"action":1}', 'no json']) {
    const response = await fetch(`${stage.base}/hooks/srs`, { method: 'POST', body });
    t.match(await response.json(), { code: 400 }, body);
  }
});

t.test(
  'the client list proves life, over all its pages, and the unwanted are kicked',
  async (t) => {
    const { state, url } = await startSrs(t);
    const stage = await startRole(t, { BILLING_SRS_API_URLS: url });
    await openShop(stage, { price: 60_000n });
    await hook(stage, 'on_publish', { client_id: 'pub', param: `?key=${STREAM_KEY}` });
    const opened = await stage.client.openSession({
      viewerId: '42',
      roomId: '7',
      key: 'open-key-1',
    });
    const param = `?token=${opened.playToken}`;
    await hook(stage, 'on_play', { client_id: 'paid', param });
    const crowd = Array.from({ length: 120 }, (_, at) => {
      return { id: `free-${at}`, name: 'elsewhere', publish: false };
    });
    const publisher = { id: 'pub', name: 'stream-seven', publish: true };
    const viewer = { id: 'paid', name: 'stream-seven', publish: false };
    const stranger = { id: 'stranger', name: 'stream-seven', publish: false };
    const intruder = { id: 'intruder', name: 'stream-seven', publish: true };
    state.rows = [publisher, ...crowd, viewer, stranger, intruder];
    const balance = async () => (await stage.client.getWallet('42')).balance;
    const patient = { everyMs: 50 };
    const start = await balance();
    await until(async () => (await balance()) < start, { what: 'a charge', ...patient });
    t.equal(state.login, `Basic ${Buffer.from('admin:se cret').toString('base64')}`);
    await until(() => state.kicked.length >= 2, { what: 'two kicks', ...patient });
    t.same([...state.kicked].sort(), ['intruder', 'stranger']);

    state.isBroken = true;
    const entry = () => stage.redis.client().hget('{live}:publishers', 'stream-seven');
    t.match(await entry(), / live /);
    state.isBroken = false;
    const before = await balance();
    await until(async () => (await balance()) < before, { what: 'SRS to be back', ...patient });

    await stage.client.endSession({ sessionId: opened.sessionId, reason: 'kicked' });
    await until(() => state.kicked.includes('paid'), {
      what: 'the viewer to be kicked',
      ...patient,
    });
    state.rows.push(viewer);
    await until(() => state.kicked.filter((one) => one === 'paid').length > 1, {
      ...{ what: 'a kick that is repeated until it holds', ...patient },
    });
  },
);

t.test('many hooks in one POST, each with its own answer', async (t) => {
  const stage = await startRole(t);
  await openShop(stage, { price: 60_000n });
  const opened = await stage.client.openSession({ viewerId: '42', roomId: '7', key: 'open-key-1' });
  const post = async (body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${stage.base}/hooks/batch`, { method: 'POST', body: text });
    return { status: response.status, body: await response.json() };
  };
  const token = opened.playToken;
  const publisher = { session: 's1' };
  const calls = [
    { call: 'publish', name: STREAM_KEY, ...publisher },
    { call: 'update_play', name: 'stream-seven', token },
    { call: 'update_publish', name: 'stream-seven', session: 's2' },
    { call: 'nothing' },
  ];
  const first = await post({ node: 'rtmp-1', calls: calls.slice(0, 1) });
  t.match(first.body, { answers: [{ status: 302, location: 'stream-seven' }] });
  const { body } = await post({ node: 'rtmp-1', calls: calls.slice(1) });
  t.match(body, { answers: [{ status: 200 }, { status: 403 }, { status: 404 }] });
  for (const bad of ['', { calls: [] }, { node: 'x', calls: [{ call: 7 }] }]) {
    t.match(await post(bad), { status: 400 });
  }
});
