// Moderation through real workers: atomic with sequencing, effective on all nodes, gone from
// backlogs.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import {
  seededRandom,
  silentLog,
  startRedis,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { RealtimeError, roomCalls, type RealtimeClient } from '../client/index.js';
import { createGatewayControl, createRoomAdmin, type ControlOrder } from '../index.js';
import type { ModerateCommand } from '../protocol/index.js';
import { startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
const [one, two] = workers.map((worker) => worker.url) as [string, string];

let rooms = 0;
const newRoom = (): string => `room:m${(rooms += 1)}`;
type Act = Omit<ModerateCommand, 'c' | 'i' | 'ch' | 'mid'> & { mid?: string };
const act = (client: RealtimeClient, ch: string, command: Act) =>
  client.call({ c: 'mod', ch, mid: client.newMid(), ...command });
const code = (thrown: unknown): string => (thrown instanceof RealtimeError ? thrown.code : 'none');
const say = (client: RealtimeClient, room: string, text: string): Promise<string> =>
  client.publish(room, text).then(() => 'ok', code);

type Person = ReturnType<typeof watch>;
/** A model at one worker, viewers at both. */
async function cast(
  scope: TestScope,
  room: string,
): Promise<{ model: Person; anna: Person; ben: Person }> {
  const model = watch(scope, [one], room, { sub: 'model', role: 'model', level: 'performer' });
  const anna = watch(scope, [two], room, { sub: 'anna' });
  const ben = watch(scope, [one], room, { sub: 'ben' });
  await until(() => [model, anna, ben].every((person) => person.events.length > 0), {
    what: 'ready',
  });
  return { model, anna, ben };
}

t.test(
  'after a ban is acknowledged no message of that user gets an offset, however they race',
  async (t) => {
    const random = seededRandom(t);
    for (let round = 0; round < 8; round += 1) {
      const room = newRoom();
      const { model, anna, ben } = await cast(t, room);
      const outcomes = Array.from({ length: 8 }, (_, n) =>
        anna.client.publish(room, `m${n}`).then(({ offset }) => offset, code),
      );
      const at = performance.now() + random.int(0, 4);
      await until(() => performance.now() >= at, { what: 'some of them are sent', everyMs: 1 });
      const ban = await act(model.client, room, { action: 'ban', user: 'anna', reason: 'spam' });
      const settled = await Promise.all(outcomes);
      for (const outcome of settled) {
        const isBefore = typeof outcome === 'number' && outcome < Number(ban['offset']);
        t.ok(
          isBefore || ['banned', 'not_subscribed', 'closed'].includes(String(outcome)),
          String(outcome),
        );
      }
      await until(() => anna.events.includes('end:banned'), {
        what: 'evicted on the other worker',
      });
      t.match(
        anna.messages.find((message) => message.kind === 'x'),
        { body: { kind: 'banned', reason: 'spam' } },
      );
      const again = watch(t, [one], room, { sub: 'anna' });
      await until(() => again.events.includes('end:banned'), { what: 'cannot come back' });
      t.match(await say(ben.client, room, 'still here'), 'ok');
      if (round > 0) continue;
      await act(model.client, room, { action: 'unban', user: 'anna' });
      const back = watch(t, [two], room, { sub: 'anna' });
      await until(() => back.events.length > 0, { what: 'answer' });
      t.equal(back.events[0], 'ready');
    }
  },
);

t.test('a timed mute follows the user over tabs and workers and says how long', async (t) => {
  const room = newRoom();
  const { model, anna } = await cast(t, room);
  await act(model.client, room, { action: 'mute', user: 'anna', seconds: 60 });
  const refused = await anna.client.publish(room, 'x').catch((error: unknown) => error);
  t.ok(
    refused instanceof RealtimeError && refused.code === 'muted' && (refused.retryMs ?? 0) > 50_000,
  );
  const tab = watch(t, [one], room, { sub: 'anna' });
  await until(() => tab.events.length > 0, { what: 'tab' });
  t.equal(await say(tab.client, room, 'x'), 'muted');
  await act(model.client, room, { action: 'unmute', user: 'anna' });
  t.equal(await say(tab.client, room, 'x'), 'ok');
});

t.test(
  'deleted and cleared messages are gone from screens, backlogs, rings and history',
  async (t) => {
    const room = newRoom();
    const { model, anna, ben } = await cast(t, room);
    const bad = await anna.client.publish(room, 'bad words');
    await ben.client.publish(room, 'fine');
    await anna.client.publish(room, 'more of anna');
    await act(model.client, room, { action: 'delete', offset: bad.offset });
    await until(() => ben.messages.some((message) => message.kind === 'd'), {
      what: 'delete seen',
    });
    t.match(ben.messages.find((message) => message.kind === 'd')?.body, { offset: bad.offset });
    await act(model.client, room, { action: 'clear-user', user: 'anna' });
    await until(() => ben.messages.some((message) => message.kind === 'c'), { what: 'clear seen' });
    for (const url of [one, two]) {
      const late = watch(t, [url], room, { sub: 'late' });
      await until(() => late.offsets().length >= 5, { what: 'backlog' });
      t.same(
        late.messages
          .filter((message) => message.kind === 'm')
          .map((message) => message.body['text']),
        ['fine'],
      );
      const { msgs } = (await late.client.call({ c: 'hist', ch: room })) as { msgs?: unknown };
      t.notOk(
        JSON.stringify(msgs).includes('bad words') || JSON.stringify(msgs).includes('more of anna'),
      );
    }
    const stored = await redis.hgetall(channelKeys(room).history);
    t.notOk(JSON.stringify(stored).includes('bad words'), 'nor in Redis');
    await act(model.client, room, { action: 'clear-room' });
    const later = watch(t, [two], room, { sub: 'later' });
    await until(() => later.offsets().length >= 6, { what: 'backlog' });
    t.notOk(later.messages.some((message) => message.kind === 'm'));
  },
);

t.test('modes and words hold at once on every worker, and come with the room', async (t) => {
  const room = newRoom();
  const { model, anna, ben } = await cast(t, room);
  const set = (settings: Record<string, unknown>) =>
    act(model.client, room, { action: 'settings', settings });
  t.equal(await say(anna.client, room, 'say darn it'), 'ok');
  await set({ words: ['darn', 'two words'] });
  t.equal(await say(anna.client, room, 'say DARN!'), 'word_blocked');
  t.equal(await say(ben.client, room, 'Two  words'), 'word_blocked');
  t.equal(await say(ben.client, room, 'darning is fine'), 'ok');
  t.equal(await say(model.client, room, 'darn'), 'ok', 'moderators are exempt');
  await set({ words: [], links: true });
  t.equal(await say(anna.client, room, 'darn, see example.com'), 'links_blocked');
  await set({ links: false, only: ['fans'] });
  t.equal(await say(anna.client, room, 'hello'), 'fans_only');
  await set({ only: [], slow: 30 });
  t.equal(await say(anna.client, room, 'one'), 'ok');
  t.equal(await say(anna.client, room, 'two'), 'slow_mode');
  await set({ slow: 0, lock: true });
  t.equal(await say(anna.client, room, 'three'), 'room_locked');
  const late = watch(t, [two], room, { sub: 'late' });
  const modes = await until(() => late.messages.find((message) => message.key === 'modes'), {
    what: 'modes',
  });
  t.match(modes.body, { modes: { lock: true, slow: 0 }, version: 5 });
  t.notOk(JSON.stringify(modes.body).includes('words'));
  for (const wrong of [
    { slow: -1 },
    { lock: 'yes' },
    { only: ['all'] },
    { unknown: 1 },
    { words: [''] },
    {},
  ]) {
    await t.rejects(set(wrong), { code: 'bad_command' });
  }
});

t.test('shadowed users see themselves served, others see nothing; pins come and go', async (t) => {
  const room = newRoom();
  const { model, anna, ben } = await cast(t, room);
  await act(model.client, room, { action: 'shadow', user: 'anna', seconds: 60 });
  t.match(await anna.client.publish(room, 'am I heard?'), { offset: 0 });
  const pinned = await ben.client.publish(room, 'read me');
  await act(model.client, room, { action: 'pin', offset: pinned.offset });
  const pin = await until(() => anna.messages.findLast((message) => message.kind === 'p'), {
    what: 'pin',
  });
  t.match(pin.body, { text: 'read me', offset: pinned.offset });
  await act(model.client, room, { action: 'unpin' });
  await until(
    () =>
      Object.keys(anna.messages.findLast((message) => message.kind === 'p')?.body ?? { x: 1 })
        .length === 0,
    { what: 'unpinned' },
  );
  t.notOk(ben.texts().includes('am I heard?'));
  const unseen = await until(() => model.messages.find(({ kind }) => kind === 'o'), {
    what: 'who moderates sees it',
  });
  const mine = { from: { id: 'anna' }, text: 'am I heard?' };
  t.match(unseen.body, { msgs: [['shadow', 'm', mine, /./]] });
  for (const { messages } of [anna, ben]) t.notOk(messages.some(({ kind }) => kind === 'o'));
});

t.test('whose shadow mute is lifted is heard again on every node, and never knew', async (t) => {
  const room = newRoom();
  const { model, anna, ben } = await cast(t, room);
  const told = (): number =>
    anna.messages.filter(({ kind, offset }) => offset > 0 || kind === 'x').length;
  await act(model.client, room, { action: 'shadow', user: 'anna' });
  t.match(await anna.client.publish(room, 'unheard'), { offset: 0 });
  await t.rejects(act(anna.client, room, { action: 'unshadow', user: 'anna' }), {
    code: 'forbidden',
  });
  await act(model.client, room, { action: 'unshadow', user: 'anna' });
  t.equal(told(), 0, 'neither act is told to whom it is about');
  t.match(await anna.client.publish(room, 'heard'), { offset: 1 });
  // Anna is at one worker, the others at another.
  for (const person of [model, ben]) {
    await until(() => person.texts().includes('heard'), { what: 'heard again' });
    t.same(person.texts(), ['heard'], 'what was said in between stays unheard');
  }
});

t.test(
  'only those in charge may moderate; acts are audited once; nobody can ban themselves',
  async (t) => {
    const room = newRoom();
    const { model, anna } = await cast(t, room);
    await t.rejects(act(anna.client, room, { action: 'ban', user: 'ben' }), { code: 'forbidden' });
    await t.rejects(act(model.client, room, { action: 'ban', user: 'model' }), {
      code: 'forbidden',
    });
    await t.rejects(act(model.client, room, { action: 'unban', user: 'nobody' }), {
      code: 'not_found',
    });
    await t.rejects(act(model.client, room, { action: 'delete', offset: 99 }), {
      code: 'not_found',
    });
    const mute = { action: 'mute', user: 'anna', seconds: 5, reason: 'caps', mid: 'same' } as const;
    const first = await act(model.client, room, mute);
    t.same(await act(model.client, room, mute), first, 'a repeat changes nothing');
    const admin = createRoomAdmin({ redis, log: silentLog });
    const audit = await admin.audit(room.slice('room:'.length), { limit: 10 });
    t.match(audit, [
      { id: 1, by: 'model', action: 'mute', user: 'anna', seconds: 5, reason: 'caps' },
    ]);
  },
);

t.test('who helps in a room can do nothing to its model, nor to others who help', async (t) => {
  const room = newRoom();
  const { model, anna } = await cast(t, room);
  const help = ['help1', 'help2'].map((sub) => watch(t, [one], room, { sub, level: 'moderator' }));
  const boss = watch(t, [two], room, { sub: 'boss', level: 'admin' });
  const isListed = async (): Promise<boolean> => {
    const { users } = await roomCalls(anna.client, room).presence();
    return ['model', 'help1', 'help2'].every((id) => users.some(([user]) => user === id));
  };
  await until(isListed, { what: 'they are in', everyMs: 200 });
  const [helper = model] = help;
  for (const user of ['model', 'help2']) {
    for (const action of ['ban', 'mute', 'shadow', 'clear-user'] as const) {
      await t.rejects(act(helper.client, room, { action, user }), { code: 'forbidden' }, action);
    }
  }
  t.same(
    [await say(model.client, room, 'my room'), await say(anna.client, room, 'x')],
    ['ok', 'ok'],
  );
  await act(helper.client, room, { action: 'mute', user: 'anna', seconds: 60 });
  await until(() => boss.events.length > 0, { what: 'the admin is in' });
  for (const { client } of [model, boss]) {
    await act(client, room, { action: 'mute', user: 'help2', seconds: 60 });
  }
});

t.test(
  'the backend takes users out of rooms and off the fleet; those in charge stay',
  async (t) => {
    const room = newRoom();
    const { model, anna, ben } = await cast(t, room);
    const order = async (what: ControlOrder): Promise<void> => {
      for (const { bus } of workers) await createGatewayControl(bus).send(what);
    };
    const id = room.slice('room:'.length);
    await order({ do: 'evict', room: id, keep: ['anna'], reason: 'ticket_show', redirect: '77' });
    await until(() => ben.events.includes('end:redirect'), { what: 'ben has to go' });
    t.match(
      ben.messages.findLast((one) => one.kind === 'x'),
      {
        body: { kind: 'redirect', reason: 'ticket_show', room: '77' },
      },
    );
    await order({ do: 'evict', room: id, user: 'anna', reason: 'kicked' });
    await until(() => anna.events.includes('end:kicked'), { what: 'anna has to go' });
    t.same(model.events, ['ready']);
    await order({ do: 'disconnect', user: 'model' });
    await until(() => model.client.state === 'closed', { what: 'the account is off' });
    t.equal(ben.client.state, 'online');
  },
);
