// Moderation under races: many senders against one ban, slow mode over two workers, mutes that
// follow a user, and what is hidden staying hidden everywhere.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { fuzzRounds } from '../../cluster/config.js';
import { seededRandom, silentLog, startRedis, until } from '../../cluster/testing/index.js';
import { channelKeys } from '../channel-keys.js';
import { createRoomAdmin } from '../index.js';
import { packTail, parseEntry, unpackTail } from '../packet.js';
import { sequenceBatch, type SequenceMessage } from '../scripts.js';
import { allIn, bodies, castRoom, enter } from './room-cast.js';
import { startWorker } from './worker-harness.js';

const server = await startRedis(t);
const connect = async () => {
  const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
  t.teardown(() => closeRedis(redis));
  return redis;
};
const redis = await connect();
const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
const [one = '', two = ''] = workers.map(({ url }) => url);
const admin = createRoomAdmin({ redis, log: silentLog });
const by = { id: 'staff', name: 'Staff', role: 'admin' };

const message = (sender: string, mid: string): SequenceMessage => ({
  ...{ sender, mid, flags: 0, textHash: mid },
  tail: packTail('m', { from: { id: sender, name: sender }, text: mid }, mid),
});

/** By night 10^5 schedules: test/nightly.sh. */
const ROUNDS = Math.min(100_000, fuzzRounds(60));

t.test('no message of anybody banned gets a place after the ban was acknowledged', async (t) => {
  const random = seededRandom(t);
  const links = await Promise.all(Array.from({ length: 10 }, connect));
  const senders = Array.from({ length: 8 }, (_, n) => `s${n}`);
  let late = 0;
  let placed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = `race${round}`;
    const keys = channelKeys(`room:${id}`);
    await redis.hset(keys.settings, 'burst', '1000', 'period', '1', 'cap', '1000');
    const bannedAt = new Map<string, number>();
    const sends: Promise<void>[] = [];
    const bans: Promise<void>[] = [];
    for (let step = 0; step < 40; step += 1) {
      const batch = Array.from({ length: random.int(1, 5) }, (_, n) =>
        message(random.pick(senders), `${round}.${step}.${n}`),
      );
      // Who had the acknowledgement of a ban before this was sent may not appear in it.
      const known = new Set(bannedAt.keys());
      const sent = sequenceBatch.run(random.pick(links), {
        ...{ keys, nowMs: 0, newEpoch: 'e', knownEpoch: '', knownTop: 0, messages: batch },
        ...{ historyMax: 1_000, historyTtlSec: 60, midTtlMs: 300_000, settingsVersion: '' },
      });
      sends.push(
        sent.then(({ verdicts }) => {
          verdicts.forEach((verdict, at) => {
            if (verdict.is !== 'accepted') return;
            placed += 1;
            if (known.has(batch[at]?.sender ?? '')) late += 1;
          });
        }),
      );
      if (random.chance(0.1)) {
        const user = random.pick(senders);
        const ban = admin.moderate(id, { action: 'ban', by, mid: `b${step}`, user });
        bans.push(
          ban.then(({ offset }) => {
            if (!bannedAt.has(user)) bannedAt.set(user, offset);
          }),
        );
      }
      if (random.chance(0.3)) await Promise.race([...sends, ...bans]);
    }
    await Promise.all([...sends, ...bans]);
    const rows = await redis.hgetallBuffer(keys.history);
    for (const [offset, entry] of Object.entries(rows)) {
      const { from } = unpackTail(parseEntry(entry).tail).body as { from?: { id: string } };
      const ban = bannedAt.get(from?.id ?? '') ?? Infinity;
      if (Number(offset) >= ban) t.fail(`round ${round}: ${offset} after the ban at ${ban}`);
    }
    const { meta, history, mids, users, settings, restrictions, banNotes, banOrder, audit } = keys;
    await redis.unlink(meta, history, mids, users, settings);
    await redis.unlink(restrictions, banNotes, banOrder, audit);
  }
  t.equal(late, 0);
  t.ok(placed > 1_000, `${placed} messages had a place`);
});

t.test('slow mode over two workers: to the millisecond, with what is left', async (t) => {
  const room = 'room:slow';
  const { model, anna } = await castRoom(t, [one, two], room);
  const tab = enter(t, one, room, { sub: 'anna' });
  await allIn([tab]);
  await model.room.moderate({ action: 'settings', settings: { slow: 30 } });
  const first = await anna.client.publish(room, 'first');
  const before = Date.now();
  const refusal = await tab.client.publish(room, 'second').catch((error: unknown) => error);
  const { code, retryMs = 0 } = refusal as { code: string; retryMs?: number };
  t.equal(code, 'slow_mode');
  const opensMs = first.ts + 30_000;
  t.ok(retryMs <= opensMs - before, `${retryMs} of ${opensMs - before}`);
  t.ok(retryMs >= opensMs - Date.now(), `${retryMs} of ${opensMs - Date.now()}`);
  t.equal(await model.say('those in charge'), 'ok');
});

t.test('a mute follows the user over a reconnect, tabs and workers, and ends', async (t) => {
  const room = 'room:mute';
  const { model, anna } = await castRoom(t, [one, two], room);
  await model.room.moderate({ action: 'mute', user: 'anna', seconds: 600 });
  t.equal(await anna.say('x'), 'muted');
  anna.client.close();
  for (const url of [one, two]) {
    const again = enter(t, url, room, { sub: 'anna' });
    await allIn([again]);
    const refusal: unknown = await again.client.publish(room, 'y').catch((error: unknown) => error);
    t.match(refusal, { code: 'muted' });
    t.ok((refusal as { retryMs: number }).retryMs > 400_000);
  }
  await redis.zadd(channelKeys(room).restrictions, Date.now() - 1, 'm:anna');
  const later = enter(t, two, room, { sub: 'anna' });
  await allIn([later]);
  t.equal(await later.say('z'), 'ok');
});

t.test('a ban hides what the user has said, also from a worker that comes later', async (t) => {
  const room = 'room:hide';
  const { model, anna, ben } = await castRoom(t, [one, two], room);
  const { offset } = await anna.client.publish(room, 'awful');
  await ben.say('nice');
  await model.room.moderate({ action: 'pin', offset });
  await until(() => bodies(ben, 'p').at(-1)?.['text'] === 'awful', { what: 'pinned' });
  await model.room.moderate({ action: 'ban', user: 'anna' });
  await until(() => Object.keys(bodies(ben, 'p').at(-1) ?? { x: 1 }).length === 0, {
    what: 'what is hidden does not stay pinned',
  });
  const third = await startWorker(t, server.url);
  const late = enter(t, third.url, room, { sub: 'late' });
  await until(() => late.offsets().length >= 3, { what: 'backlog' });
  const text = JSON.stringify([late.messages, await late.room.history()]);
  t.ok(text.includes('nice'));
  t.notOk(text.includes('awful'));
  t.notOk(JSON.stringify(await admin.history('hide', { limit: 50 })).includes('awful'));
});
