// Time limits: of a publisher's show, by room and for the whole site, and of a viewer's session.
import { createHash } from 'node:crypto';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { openShop, startRole, STREAM_KEY } from './role-stage.js';

const OTHER_KEY = STREAM_KEY.replace('sk_0', 'sk_1');
const OTHER_HASH = createHash('sha256').update(OTHER_KEY).digest('hex');
const client = { app: 'live', addr: '127.0.0.1', clientid: '1', node: 'm1' };

t.test('time limits', async (t) => {
  const stage = await startRole(t, { BILLING_SHOW_MAX_SEC: '2' });
  const { client: api, hook, said, bus } = stage;
  const kicks: string[] = [];
  await openShop(stage, { price: 60_000n, credits: 100_000n });
  const eight = { performerId: '98', streamId: 'stream-eight', isActive: true };
  await api.putRoom('8', {
    ...{ ...eight, priceMilliPerMin: 60_000n, tariff: { model: 'perMinute', maxSec: 1 } },
  });
  await api.putStreamKey({ streamId: 'stream-eight', keyHash: OTHER_HASH });
  await bus.subscribe('rtmp.kick', (payload) => void kicks.push(payload.toString()));
  const publish = (name: string, session: string) =>
    hook('on_publish', { ...client, call: 'publish', name, session });
  const update = (name: string, session: string) =>
    hook('on_update', { ...client, call: 'update_publish', name, session });
  const done = (session: string) =>
    hook('on_publish_done', { ...client, call: 'publish_done', name: STREAM_KEY, session });
  const touch = (sessionId: string) =>
    api.touchSessions([{ sessionId, source: 'gateway', node: 'g1' }]);

  await t.test('a room has its own limit, or none', async (t) => {
    await t.rejects(api.putShowLimit('9', 1), { code: 'BILLING_ROOM_UNKNOWN' });
    for (const maxSec of [-1, 1.5, 604_801]) {
      await t.rejects(api.putShowLimit('8', maxSec), { code: 'BILLING_BAD_REQUEST' });
    }
    await api.putShowLimit('8', 0);
    t.match(await publish(OTHER_KEY, 's8'), { status: 302 });
  });
  await t.test('a viewer who has watched for the time that is allowed is let go', async (t) => {
    const { sessionId } = await api.openSession({ viewerId: '42', roomId: '8', key: 'open-key-8' });
    const over = await until(
      async () => {
        await touch(sessionId);
        const session = await api.getSession(sessionId);
        return session.state === 'ended' ? session : undefined;
      },
      { what: 'the end of the session' },
    );
    t.match(over, { reason: 'time_limit', billableMs: 1_000, chargedMilli: 1_000n });
    await until(() => said.some(({ what }) => what === 'cut'), { what: 'the news' });
    t.match(
      said.filter(({ what }) => what === 'cut'),
      [{ to: '42', reason: 'time_limit' }],
    );
  });
  await t.test('a show ends at the limit: publisher, room and viewers hear why', async (t) => {
    t.match(await publish(STREAM_KEY, 's7'), { status: 302 });
    const { sessionId } = await api.openSession({ viewerId: '42', roomId: '7', key: 'open-key-7' });
    const over = await until(
      async () => {
        await touch(sessionId);
        const session = await api.getSession(sessionId);
        return session.state === 'ended' ? session : undefined;
      },
      { what: 'the end of the session' },
    );
    t.equal(over.reason, 'time_limit');
    t.equal(over.chargedMilli, BigInt(over.billableMs), 'a milli-credit a millisecond');
    const order = { streamId: 'stream-seven', reason: 'time_limit' };
    await until(() => kicks.length >= 2, { what: 'the order, and again while it is live' });
    for (const kick of kicks) t.same(JSON.parse(kick), order);
    t.match(await update('stream-seven', 's7'), { status: 403, body: /time limit/ });
    t.match(await publish(STREAM_KEY, 's7b'), { status: 403, body: /time limit/ });
    const news = said.filter(({ what }) => what === 'showOver');
    t.match(news, [{ to: '99', roomId: '7', maxMs: 2_000 }], 'once');
    t.equal(news.length, 1);
  });
  await t.test('the room without a limit goes on', async (t) => {
    t.match(await update('stream-eight', 's8'), { status: 200 });
  });
  await t.test('when the publisher is gone for the grace it may begin another show', async (t) => {
    await done('s7');
    const again = await until(
      async () => {
        const answer = await publish(STREAM_KEY, 's7c');
        return answer.status === 302 ? answer : undefined;
      },
      { what: 'the next show' },
    );
    t.equal(again.location, 'stream-seven');
    await api.putShowLimit('7', 0);
    t.match(await update('stream-seven', 's7c'), { status: 200 });
    await api.putShowLimit('7', null);
    await until(async () => (await update('stream-seven', 's7c')).status === 403, {
      what: 'the limit of the site',
    });
    await done('s7c');
    const news = () => said.filter(({ what }) => what === 'showOver').length;
    await until(() => news() === 2, { what: 'the news for who was denied and left at once' });
  });
});
