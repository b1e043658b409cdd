// Private shows end by themselves when their viewer is gone, not at a reload and not while billing
// is away; the room is then what it was, and both sides know why.
import t from 'tap';
import { ManualClock, until } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { startSite, staff } from './site-fixture.js';

const clock = new ManualClock(Date.parse('2026-05-01T20:00:00Z'));
const money = await startMoney(t);
const fixture = await startSite(t, {
  money,
  clock,
});
const { model, modelUser, room } = await staff(fixture);
const { site, pushes } = fixture;
const anna = fixture.browser();
const annaUser = await anna.signUp('anna');
const ben = fixture.browser();
await ben.signUp('ben');
await money.fund(annaUser.id, 900_000n);
fixture.air(room.streamId, true);
await site.live.look();
const privateShow = { priceMilliPerMin: '60000', minimumSec: 0, graceSec: 0 };
await model.patch('/api/v1/model/room', { privateShow });

const wish = '/api/v1/rooms/mira/private-request';
const stateOf = async () =>
  (await anna.get(wish)).json<{ request: { state: string } }>().request.state;
async function begin(): Promise<void> {
  const { id } = (await anna.post(wish)).json<{ request: { id: string } }>().request;
  const accepted = await model.post(`/api/v1/model/private-requests/${id}/accept`);
  if (accepted.statusCode !== 200) throw new Error(accepted.body);
}
const enter = async (): Promise<string> =>
  (await anna.post('/api/v1/rooms/mira/enter', { accept: true })).json<{ sessionId: string }>()
    .sessionId;
async function after(sec: number): Promise<void> {
  clock.advance(sec * 1_000);
  await site.privateWatch.look();
}
/** Anna has credits for a second and a half, and stays until they are gone. */
async function runDry(): Promise<void> {
  const tip = { key: 'all-but-a-show', viewerId: annaUser.id, viewerName: 'anna', roomId: room.id };
  const rest = await money.balanceOf(annaUser.id);
  await money.client.tip({ ...tip, amountMilli: rest - 1_500n });
  const sessionId = await enter();
  await money.air(room.streamId);
  const item = { sessionId, source: 'gateway', node: 'gw-1' } as const;
  await until(
    async () => {
      await money.client.touchSessions([item]);
      return (await money.client.getSession(sessionId)).reason === 'insufficient_credit';
    },
    { what: 'credits are gone', deadlineMs: 60_000 },
  );
}
const heard = (userId: string): unknown[] =>
  pushes.filter((one) => one.channel === `user:${userId}`).map(({ push }) => push.body);

t.test('a reload is no end, leaving is one after the grace', async (t) => {
  await begin();
  const first = await enter();
  await anna.post('/api/v1/rooms/mira/leave', { sessionId: first });
  await after(0);
  await after(19);
  const second = await enter();
  await after(60);
  t.equal(await stateOf(), 'accepted', 'back within the grace');
  await anna.post('/api/v1/rooms/mira/leave', { sessionId: second });
  await after(0);
  await after(19);
  t.equal(await stateOf(), 'accepted');
  t.equal((await ben.post('/api/v1/rooms/mira/enter')).statusCode, 403);
  await after(2);
  t.equal(await stateOf(), 'ended');
  t.match(heard(modelUser.id).at(-1), { kind: 'private-over', title: /anna left/ });
  t.match(heard(annaUser.id).at(-1), { kind: 'private-over', title: /you left/ });
  t.match(fixture.orders.at(-1), { do: 'evict', reason: 'private-ended', keep: [modelUser.id] });
  t.match(await money.termsOf(room.id), { priceMilliPerMin: 0n, isActive: true });
  t.equal((await ben.post('/api/v1/rooms/mira/enter')).statusCode, 200, 'open for all again');
});

t.test('it ends when the credits are gone, and both are told so', async (t) => {
  await begin();
  await runDry();
  await after(0);
  await after(21);
  t.equal(await stateOf(), 'ended');
  t.match(heard(modelUser.id).at(-1), { title: /ran out of credits/ });
  t.match(heard(annaUser.id).at(-1), { title: /your credits ran out/ });
  await money.fund(annaUser.id, 900_000n);
});

t.test('who never comes in does not keep the room', async (t) => {
  await begin();
  await after(60);
  t.equal(await stateOf(), 'accepted');
  await after(31);
  t.equal(await stateOf(), 'ended');
});

t.test('while billing is away nobody is shown out', async (t) => {
  await begin();
  await enter();
  await money.away();
  await after(60);
  await after(60);
  await money.back();
  t.equal(await stateOf(), 'accepted');
  await after(60);
  t.equal(await stateOf(), 'accepted');
  await model.post('/api/v1/model/private/end');
  await after(60);
  t.equal(await stateOf(), 'ended');
});
