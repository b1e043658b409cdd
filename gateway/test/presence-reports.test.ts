// What one worker reports of who is in a room, with a real Redis: after each report the list is
// what it should be, whoever came, left or changed in between; and one report has an end.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { seededRandom, silentLog, startRedis } from '../../cluster/testing/index.js';
import { Channel } from '../channel.js';
import { readPresence } from '../presence-scripts.js';
import { Presence } from '../presence.js';
import type { AccessLevel } from '../protocol/index.js';
import { Session, type Membership } from '../session.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));

function stage(name: string) {
  const nothing = (): void => undefined;
  const channel = new Channel(name, 1, {
    ...{ fill: nothing, pending: nothing, appended: nothing },
    ...{ overflowing: nothing, restarting: nothing, restarted: nothing },
  });
  const presence = new Presence({ redis, log: silentLog, nowMs: Date.now, worker: 'w1' });
  const levels = async (): Promise<string[]> => {
    // On the connection of the reports, and twice: the first answer may come in one piece with that
    // of a report, before the worker has dealt with it.
    await readPresence(redis, channel.keys, 100);
    const { users } = await readPresence(redis, channel.keys, 100);
    return users.map(([id, , level]) => `${id} ${level}`).sort();
  };
  return { channel, presence, levels };
}

function sessionOf(user: string): Session {
  const session = new Session({
    ...{ id: `s-${user}`, encoding: 'rt1.json', transport: 'websocket', address: '127.0.0.1' },
    openedAtMs: 0,
  });
  session.user = { id: user, name: `name-${user}`, role: 'viewer' };
  return session;
}

const member = (level: AccessLevel): Membership => ({ level, groups: 0 });

t.test('any order of tabs, levels and reports ends in the right list', async (t) => {
  const random = seededRandom(t);
  const { channel, presence, levels } = stage('room:any');
  const here = new Map<string, { tabs: number; level: AccessLevel }>();
  for (let step = 0; step < 300; step += 1) {
    for (let left = random.int(0, 6); left > 0; left -= 1) {
      const user = `u${random.int(0, 8)}`;
      const session = sessionOf(user);
      const person = here.get(user);
      if (person === undefined || random.int(0, 3) === 0) {
        const level = person?.level ?? random.pick(['view', 'participant', 'moderator'] as const);
        here.set(user, { tabs: (person?.tabs ?? 0) + 1, level });
        presence.joined(session, channel, member(level));
      } else {
        presence.left(session, channel, member(person.level), true);
        if (person.tabs === 1) here.delete(user);
        else person.tabs -= 1;
      }
    }
    presence.sweep();
    // Half of the next changes come while the report is under way.
    if (random.int(0, 1) === 0) continue;
    await levels();
    presence.sweep();
    const expected = [...here].map(([user, { level }]) => `${user} ${level}`).sort();
    t.same(await levels(), expected, `step ${step}`);
    t.same([...presence.channels()], here.size > 0 ? [channel] : []);
    if (!t.passing()) return;
  }
});

t.test('who comes while a report is under way is in the next one', async (t) => {
  const { channel, presence, levels } = stage('room:crowd');
  presence.joined(sessionOf('ann'), channel, member('view'));
  presence.sweep();
  presence.joined(sessionOf('ben'), channel, member('view'));
  await levels();
  // A report that went on would have been sent before this is asked.
  t.same(await levels(), ['ann view']);
  presence.sweep();
  t.same(await levels(), ['ann view', 'ben view']);
});

t.test('a worker whose reports Redis has lost reports all at once', async (t) => {
  const { channel, presence, levels } = stage('room:lost');
  for (const user of ['ann', 'ben']) presence.joined(sessionOf(user), channel, member('view'));
  presence.sweep();
  t.same(await levels(), ['ann view', 'ben view']);
  presence.left(sessionOf('ben'), channel, member('view'), true);
  presence.joined(sessionOf('cleo'), channel, member('view'));
  await redis.flushall();
  presence.sweep();
  await levels();
  t.same(await levels(), ['ann view', 'cleo view']);
});
