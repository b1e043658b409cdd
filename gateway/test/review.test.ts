// The held queue: messages that wait for a moderator, from the sender's answer to their place in
// the sequence or their end, through real workers.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createRoomAdmin } from '../index.js';
import { parseHeldMessage } from '../protocol/index.js';
import { bodies, castRoom, codeOf, enter, allIn, type Person } from './room-cast.js';
import { startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
const urls = workers.map((worker) => worker.url);
const admin = createRoomAdmin({ redis, log: silentLog });

let rooms = 0;
const newRoom = (): string => `room:h${(rooms += 1)}`;
const idOf = (room: string): string => room.slice('room:'.length);
const review = (model: Person, settings: Record<string, unknown>) =>
  model.room.moderate({ action: 'settings', settings });

t.test('which messages wait: table of settings and texts', async (t) => {
  const room = newRoom();
  const { model, anna, ben } = await castRoom(t, urls, room);
  const table: [settings: Record<string, unknown>, text: string, said: string][] = [
    [{ review: 'off', words: ['darn'] }, 'darn', 'word_blocked'],
    [{ review: 'words' }, 'well, DARN!', 'held'],
    [{ review: 'words' }, 'see example.com', 'ok'],
    [{ review: 'links' }, 'see example.com', 'held'],
    [{ review: 'links' }, 'darn', 'word_blocked'],
    [{ review: 'links', links: true }, 'see example.net', 'links_blocked'],
    [{ review: 'all', links: false }, 'hello', 'held'],
    [{ review: 'all', lock: true }, 'hello there', 'room_locked'],
    [{ review: 'off', lock: false, words: [] }, 'darn it', 'ok'],
  ];
  for (const [settings, text, said] of table) {
    await review(model, settings);
    t.equal(await anna.say(text), said, `${JSON.stringify(settings)}: ${text}`);
  }
  await review(model, { review: 'all' });
  t.equal(await model.say('hello'), 'ok', 'those in charge do not wait');
  await t.rejects(review(model, { review: 'maybe' }), { code: 'bad_command' });
  t.same(
    (await model.room.held()).map(({ text, reason, from }) => [text, reason, from.id]),
    [
      ['well, DARN!', 'words', 'anna'],
      ['see example.com', 'links', 'anna'],
      ['hello', 'all', 'anna'],
    ],
  );
  t.equal(bodies(ben, 'h').length, 0, 'only moderators hear of held messages');
  await t.rejects(ben.room.held(), { code: 'forbidden' });
  t.match(bodies(ben, 's').at(-1), { modes: { review: 'all' } });
});

t.test(
  'approved: it gets the next place with its mid; denied: only its sender hears',
  async (t) => {
    const room = newRoom();
    const { model, anna, ben } = await castRoom(t, urls, room);
    const inbox = watch(t, [urls[0] ?? ''], 'user:anna', { sub: 'anna' });
    await allIn([inbox]);
    await review(model, { review: 'all' });
    t.match(await anna.client.publish(room, 'one', 'mid-1'), { state: 'held', offset: 0 });
    t.match(
      await anna.client.publish(room, 'one', 'mid-1'),
      { state: 'held' },
      'a repeat waits too',
    );
    t.equal(await anna.say('two'), 'held');
    const seen = await until(() => bodies(model, 'h').length === 2 && bodies(model, 'h'), {
      what: 'the model hears of both',
    });
    t.match(
      seen.map((body) => parseHeldMessage(body, 1)),
      [
        { text: 'one', reason: 'all', from: { id: 'anna', name: 'name-anna' } },
        { text: 'two', from: { role: 'viewer' } },
      ],
    );
    const [first, second] = (await admin.held(idOf(room))).map(({ held }) => held);
    const { offset } = await model.room.approve(first ?? '');
    t.equal(offset, 1);
    const shown = await until(() => ben.messages.find((one) => one.offset === offset), {
      what: 'everybody sees it',
    });
    t.match(shown, { kind: 'm', mid: 'mid-1', body: { text: 'one', from: { id: 'anna' } } });
    t.match(await anna.client.publish(room, 'one', 'mid-1'), { offset }, 'the same message now');
    await t.rejects(model.room.approve(first ?? ''), { code: 'not_found' });

    const by = { id: 'staff', name: 'Staff', role: 'admin' };
    const act = { action: 'deny', by, mid: 'd1', held: second ?? '', reason: 'rude' } as const;
    await admin.moderate(idOf(room), act);
    await admin.moderate(idOf(room), act);
    const denial = await until(() => bodies(inbox, 'x').at(0), { what: 'the sender hears' });
    t.same(denial, { kind: 'denied', room: idOf(room), reason: 'rude' });
    await until(() => bodies(model, 'h').filter(({ gone }) => gone === true).length === 2, {
      what: 'moderators see both gone',
    });
    t.same(await model.room.held(), []);
    t.same(ben.texts(), ['one']);
    t.equal(bodies(inbox, 'x').length, 1, 'a repeated act is done once');
    t.match(await admin.audit(idOf(room), { limit: 2 }), [
      { id: 3, by: 'staff', action: 'deny', user: 'anna', text: 'two', reason: 'rude' },
      { id: 2, by: 'model', action: 'approve', user: 'anna', text: 'one' },
    ]);
    t.match(await admin.audit(idOf(room), { before: 2, limit: 2 }), [
      { id: 1, action: 'settings' },
    ]);
  },
);

t.test('a ban or clear drops what waits, and no race lets it through', async (t) => {
  const random = seededRandom(t);
  const room = newRoom();
  const { model, anna, ben } = await castRoom(t, urls, room);
  const eve = enter(t, urls[1] ?? '', room, { sub: 'eve' });
  await allIn([eve]);
  await review(model, { review: 'all' });
  t.same(await Promise.all([anna.say('a'), ben.say('b'), eve.say('e')]), ['held', 'held', 'held']);
  await model.room.moderate({ action: 'clear-user', user: 'ben' });
  t.same((await model.room.held()).map(({ from }) => from.id).sort(), ['anna', 'eve']);
  const held = (await model.room.held()).find(({ from }) => from.id === 'anna')?.held ?? '';
  const acts = random.shuffle([
    () =>
      model.room.moderate({ action: 'ban', user: 'anna' }).then(({ offset }) => ({ ban: offset })),
    () => model.room.approve(held).then(({ offset }) => ({ approved: offset }), codeOf),
  ]);
  const outcomes = await Promise.all(acts.map((act) => act()));
  const { ban, approved = 0 } = Object.assign(
    {},
    ...outcomes.filter((one) => typeof one !== 'string'),
  ) as {
    ban: number;
    approved?: number;
  };
  t.ok(approved < ban, `approved ${approved} before the ban ${ban}, or never`);
  t.same(
    (await model.room.held()).map(({ from }) => from.id),
    ['eve'],
  );
  await model.room.moderate({ action: 'clear-room' });
  t.same(await model.room.held(), []);
});

t.test('the queue is bounded, and what has waited too long is gone', async (t) => {
  const room = newRoom();
  const { model, anna } = await castRoom(t, urls, room);
  await review(model, { review: 'all' });
  const keys = channelKeys(room);
  t.equal(await anna.say('old'), 'held');
  const [old = ''] = (await model.room.held()).map(({ held }) => held);
  const later = Date.now() + 60_000;
  const filler = Array.from({ length: 199 }, (_, n) => [later, `${n + 100}.x`]).flat();
  await redis.zadd(keys.heldOrder, ...filler);
  const refusal: unknown = await anna.client
    .publish(room, 'one more')
    .catch((error: unknown) => error);
  t.match(refusal, { code: 'review_full', retryMs: 10_000 });
  await redis.zadd(keys.heldOrder, Date.now() - 1, old);
  t.same(
    (await model.room.held()).map(({ held }) => held),
    [],
  );
  await t.rejects(model.room.approve(old), { code: 'not_found' });
  t.equal(await anna.say('fits again'), 'held');
});
