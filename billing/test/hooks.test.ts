// Hooks in nginx-rtmp's dialect over HTTP, as nginx-rtmp and our own media nodes send them.
import { createHash } from 'node:crypto';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { openShop, type RoleStage, startRole, STREAM_KEY } from './role-stage.js';

const client = {
  ...{ app: 'publish', flashver: 'FMLE/3.0', swfurl: '', tcurl: 'rtmp://h/publish', pageurl: '' },
  ...{ addr: '10.0.0.9', clientid: '17' },
};

const publish = (stage: RoleStage, more: Record<string, string> = {}) =>
  stage.hook('on_publish', { ...client, call: 'publish', name: STREAM_KEY, type: 'live', ...more });

const updatePublish = (stage: RoleStage, more: Record<string, string> = {}) => {
  const members = { call: 'update_publish', time: '30', timestamp: '30000', name: 'stream-seven' };
  return stage.hook('on_update', { ...client, ...members, ...more });
};

t.test('publishing', async (t) => {
  const stage = await startRole(t, { RTMP_PUBLISH_POLICY: 'refuse' });
  await openShop(stage);

  await t.test('a good key is renamed to the stream id, by POST and by GET', async (t) => {
    t.match(await publish(stage), { status: 302, location: 'stream-seven' });
    const again = await stage.hook('on_publish', { ...client, name: STREAM_KEY }, 'GET');
    t.match(again, { status: 302, location: 'stream-seven' }, 'a repeat of the same session');
  });
  await t.test('unknown, empty and foreign names are refused with a sentence', async (t) => {
    for (const name of ['sk_unknown', '', 'stream-seven', '../x']) {
      const { status, body } = await publish(stage, { name });
      t.equal(status, 403, name);
      t.not(body, '');
    }
  });
  await t.test('a second publisher is refused, the first stays', async (t) => {
    t.match(await publish(stage, { clientid: '18' }), { status: 403 });
    t.match(await updatePublish(stage), { status: 200 });
    t.match(await updatePublish(stage, { clientid: '18' }), { status: 403 });
  });
  await t.test('a node that says whom it replaces takes over', async (t) => {
    const first = { session: 'rtmp-1.5', node: 'rtmp-1' };
    await stage.hook('on_publish_done', { ...client, call: 'publish_done', name: 'stream-seven' });
    t.match(await publish(stage, first), { status: 302 });
    const second = { session: 'rtmp-1.6', node: 'rtmp-1' };
    t.match(await publish(stage, second), { status: 403 });
    t.match(await publish(stage, { ...second, replaces: 'rtmp-1.5' }), { status: 302 });
    const done = { call: 'publish_done', name: 'stream-seven', ...first };
    t.match(await stage.hook('on_publish_done', done), { status: 200 });
    t.match(await updatePublish(stage, second), { status: 200 }, 'a late done of the old one');
  });
  await t.test('a further language needs the key, and leaves the publisher alone', async (t) => {
    const speaker = { session: 'rtmp-1.7', node: 'rtmp-1', lang: 'de' };
    t.match(await publish(stage, speaker), { status: 302, location: 'stream-seven' });
    t.match(await publish(stage, { ...speaker, name: 'sk_unknown' }), { status: 403 });
    t.match(await updatePublish(stage, { ...speaker, name: STREAM_KEY }), { status: 200 });
    const done = { call: 'publish_done', name: 'stream-seven', ...speaker };
    t.match(await stage.hook('on_publish_done', done), { status: 200 });
    t.match(await updatePublish(stage, { session: 'rtmp-1.6', node: 'rtmp-1' }), { status: 200 });
    const foreign = { lang: 'de', clientid: '19' };
    t.match(await publish(stage, foreign), { status: 403 }, 'another server would mix them up');
  });
  await t.test('a replaced key is refused and its publisher is kicked', async (t) => {
    const kicks: string[] = [];
    await stage.bus.subscribe('rtmp.kick', (payload) => void kicks.push(payload.toString()));
    await stage.client.putStreamKey({ streamId: 'stream-seven', keyHash: '0'.repeat(64) });
    await until(() => kicks.length > 0, { what: 'the kick' });
    t.same(JSON.parse(kicks[0] ?? ''), { streamId: 'stream-seven', reason: 'key_replaced' });
    t.match(await publish(stage, { session: 'rtmp-1.6', node: 'rtmp-1' }), { status: 403 });
  });
  await t.test('the end of a publisher whose key was replaced frees the stream', async (t) => {
    const done = { call: 'publish_done', name: STREAM_KEY, session: 'rtmp-1.6', node: 'rtmp-1' };
    t.match(await stage.hook('on_publish_done', done), { status: 200 });
    const keyHash = createHash('sha256').update('sk_new').digest('hex');
    await stage.client.putStreamKey({ streamId: 'stream-seven', keyHash });
    const next = { name: 'sk_new', session: 'rtmp-1.7', node: 'rtmp-1' };
    t.match(await publish(stage, next), { status: 302 }, 'under the policy refuse');
  });
  await t.test('connect, done and record_done are accepted, what is no hook is not', async (t) => {
    for (const call of ['on_connect', 'on_done', 'on_record_done', 'on_disconnect']) {
      t.match(await stage.hook(call, { call: call.slice(3), app: 'x' }), {
        status: 200,
        body: 'ok\n',
      });
    }
    t.match(await stage.hook('on_nothing', {}), { status: 404 });
    t.match(await stage.hook('on_update', { call: 'update' }), { status: 404 });
  });
});

t.test('playing a paid stream', async (t) => {
  const stage = await startRole(t);
  await openShop(stage, { price: 60_000n, credits: 100_000n });
  await publish(stage);
  const openedMs = performance.now();
  const opened = await stage.client.openSession({ viewerId: '42', roomId: '7', key: 'open-key-1' });
  const play = (token: string | undefined, more: Record<string, string> = {}) => {
    const args = token === undefined ? {} : { token };
    return stage.hook('on_play', {
      ...client,
      call: 'play',
      name: 'stream-seven',
      ...args,
      ...more,
    });
  };

  await t.test('needs a play token for this room and a paid session', async (t) => {
    const sign = (claims: { sub: string; room: string; bill?: string }) =>
      stage.tokens.sign('play', claims, 60);
    t.match(await play(undefined), { status: 403 });
    t.match(await play('rubbish'), { status: 403 });
    t.match(await play(sign({ sub: '42', room: '8', bill: opened.sessionId })), { status: 403 });
    t.match(await play(sign({ sub: '42', room: '7' })), { status: 403 });
    t.match(await play(stage.tokens.sign('room', { sub: '42', room: '7' }, 60)), { status: 403 });
    t.match(await play(opened.playToken), { status: 200 });
  });
  await t.test('two tabs and a relay pull of the same viewer are billed once', async (t) => {
    const tab = await stage.client.openSession({ viewerId: '42', roomId: '7', key: 'open-key-2' });
    t.equal(tab.sessionId, opened.sessionId, 'a second tab joins the session');
    const relay = stage.tokens.sign('play', { sub: '42', room: '7', relay: true }, 60);
    const pulls = [opened.playToken, tab.playToken, relay].map((token, at) => ({
      ...{ ...client, name: 'stream-seven', token, clientid: String(20 + at) },
    }));
    const tellAll = async (hook: string, call: string) => {
      const told = await Promise.all(pulls.map((pull) => stage.hook(hook, { ...pull, call })));
      t.ok(
        told.every(({ status }) => status === 200),
        call,
      );
    };
    const charged = async () => 100_000 - Number((await stage.client.getWallet('42')).balance);
    await tellAll('on_play', 'play');
    const goOn = async () => {
      await tellAll('on_update', 'update_play');
      return (await charged()) > 500;
    };
    await until(goOn, { what: 'half a second to be charged', everyMs: 50 });
    const cost = await charged();
    // One milli-credit a millisecond; the server's clock counts whole ones.
    t.ok(cost <= performance.now() - openedMs + 2, `${cost} charged`);
    await tellAll('on_play_done', 'play_done');
    t.match(await stage.client.getSession(opened.sessionId), { state: 'active' });
  });
  await t.test('updates charge and refuse once the session is over', async (t) => {
    const update = () => {
      const members = { call: 'update_play', time: '30', name: 'stream-seven' };
      return stage.hook('on_update', { ...client, ...members, token: opened.playToken });
    };
    const before = (await stage.client.getWallet('42')).balance;
    await until(
      async () =>
        (await update()).status === 200 && (await stage.client.getWallet('42')).balance < before,
      { what: 'a charge' },
    );
    await stage.client.endSession({ sessionId: opened.sessionId, reason: 'kicked' });
    t.match(await update(), { status: 403, body: /kicked/ });
    const overrun = /^showbill_billing_cut_overrun_seconds_count(?:\{[^}]*\})? 1$/m;
    t.match(await stage.metrics.registry.metrics(), overrun, 'somebody knows of it');
  });
});

t.test('when the stream ends, the paid sessions of the room end and are told why', async (t) => {
  const stage = await startRole(t);
  await openShop(stage);
  await publish(stage, { session: 's1', node: 'rtmp-1' });
  const { sessionId } = await stage.client.openSession({
    ...{ viewerId: '42', roomId: '7', key: 'open-key-1' },
  });
  const done = { call: 'publish_done', name: 'stream-seven', session: 's1', node: 'rtmp-1' };
  await stage.hook('on_publish_done', done);
  await until(() => stage.cuts.length > 0, { what: 'the end of the show' });
  t.match(stage.cuts[0], { sessionId, reason: 'show_ended', viewerId: '42' });
  t.match(await stage.client.getSession(sessionId), { state: 'ended', reason: 'show_ended' });
});

t.test('the bus alone also says whether a stream is live', async (t) => {
  const stage = await startRole(t);
  await openShop(stage, { price: 60_000n });
  const { sessionId } = await stage.client.openSession({
    ...{ viewerId: '42', roomId: '7', key: 'open-key-1' },
  });
  const item = { sessionId, source: 'gateway', node: 'g1' } as const;
  const balance = async () => (await stage.client.getWallet('42')).balance;
  await stage.client.touchSessions([item]);
  t.equal(await balance(), 100_000n, 'no charge while nothing is broadcast');
  const say = (state: string) => {
    const message = { streamId: 'stream-seven', state, node: 'rtmp-1' };
    return stage.bus.publish('stream.state', JSON.stringify(message));
  };
  await say('live');
  await until(
    async () => {
      await stage.client.touchSessions([item]);
      return (await balance()) < 100_000n;
    },
    { what: 'a charge', everyMs: 50 },
  );
  await say('ended');
  await until(() => stage.cuts.length > 0, { what: 'the end of the show' });
});

t.test('hooks from other networks are refused', async (t) => {
  const stage = await startRole(t, { BILLING_HOOK_ALLOW: '10.1.0.0/16' });
  t.match(await stage.hook('on_connect', { call: 'connect' }), { status: 403 });
});

t.test('Redis away: paying viewers stay, strangers stay out, nothing is a 5xx', async (t) => {
  const stage = await startRole(t, { BILLING_FAIL_OPEN_MS: '1500' });
  await openShop(stage);
  await publish(stage);
  const opened = await stage.client.openSession({ viewerId: '42', roomId: '7', key: 'open-key-1' });
  await stage.redis.kill();
  const update = () =>
    stage.hook('on_update', {
      ...{ ...client, call: 'update_play', name: 'stream-seven', token: opened.playToken },
    });
  t.match(await update(), { status: 200 }, 'within the allowance');
  t.match(await updatePublish(stage), { status: 200 }, 'publishers are not dropped');
  t.match(await publish(stage, { clientid: '99' }), { status: 403 });
  await until(async () => (await update()).status === 403, {
    ...{ what: 'the allowance to end' },
  });
  await stage.redis.start();
  await until(async () => (await update()).status === 200, {
    ...{ what: 'the session to go on', everyMs: 50 },
  });
});
