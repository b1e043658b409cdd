// Who may do what: every level × (listed? read? write? moderate?) × every combination of the room's
// flags, asked of a real worker; and flags that change while people are inside, on two workers.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until, type TestScope } from '../../cluster/testing/index.js';
import { createRoomAdmin, type RoomFlags } from '../index.js';
import type { AccessLevel, Role } from '../protocol/index.js';
import { allIn, bodies, castRoom, codeOf, enter, type Person } from './room-cast.js';
import { startWorker } from './worker-harness.js';

const server = await startRedis(t);
const redis = await connectRedis(server.url, { role: 'command', name: 'test', log: silentLog });
t.teardown(() => closeRedis(redis));
const workers = [await startWorker(t, server.url), await startWorker(t, server.url)];
const [one = '', two = ''] = workers.map(({ url }) => url);
const admin = createRoomAdmin({ redis, log: silentLog });

interface Candidate {
  readonly sub: string;
  readonly level: AccessLevel;
  readonly role?: Role;
  readonly groups?: string;
  readonly bill?: string;
  readonly flags?: string;
}

const candidates: readonly Candidate[] = [
  { sub: 'ghost', level: 'ghost' },
  { sub: 'view', level: 'view' },
  { sub: 'participant', level: 'participant' },
  { sub: 'member', level: 'participant', groups: 'member' },
  { sub: 'payer', level: 'participant', bill: 's1' },
  { sub: 'invited', level: 'participant', flags: 'invited' },
  { sub: 'performer', level: 'performer', role: 'model' },
  { sub: 'moderator', level: 'moderator' },
  { sub: 'admin', level: 'admin', role: 'admin' },
  { sub: 'banned', level: 'participant' },
  { sub: 'anon:1', level: 'participant', role: 'anon' },
];

/** The rules in words: may enter, sees chat, is listed, what publishing answers, may moderate. */
function expected({ sub, level }: Candidate, flags: RoomFlags): readonly string[] {
  const isAnon = sub === 'anon:1';
  const isStaff = ['performer', 'moderator', 'admin'].includes(level);
  const isInsider = isStaff || ['ghost', 'member', 'payer', 'invited'].includes(sub);
  if (isAnon && !flags.anonsMayEnter) return ['end:anons_refused'];
  if (flags.isPrivate && !isInsider) return ['end:room_private'];
  if (sub === 'banned') return ['end:banned'];
  const mayWrite = !isAnon && level !== 'ghost' && level !== 'view';
  const said = !mayWrite ? 'forbidden' : isStaff || flags.isOnline ? 'ok' : 'room_offline';
  return [
    'in',
    isAnon && !flags.anonsSeeChat ? 'no chat' : 'chat',
    isAnon || level === 'ghost' || level === 'admin' ? 'unlisted' : 'listed',
    said,
    isStaff ? 'moderates' : 'forbidden',
  ];
}

async function found(t: TestScope, room: string, candidate: Candidate): Promise<string[]> {
  const person = enter(t, one, room, candidate);
  await allIn([person]);
  const [first = ''] = person.events;
  if (first.startsWith('end:')) return [first];
  const chat = await person.room.history().then(
    ({ msgs }) => (msgs.length > 0 && person.texts().length > 0 ? 'chat' : 'nothing'),
    (thrown: unknown) => (codeOf(thrown) === 'forbidden' ? 'no chat' : codeOf(thrown)),
  );
  const said = await person.say(`from ${candidate.sub}`);
  const moderates = await person.room
    .moderate({ action: 'mute', user: 'nobody', seconds: 1 })
    .then(() => 'moderates', codeOf);
  const isListed = await listed(person, candidate.sub);
  person.client.close();
  return ['in', chat, isListed ? 'listed' : 'unlisted', said, moderates];
}

/** Asked when the room's model, and the candidate where that counts, have been reported. */
async function listed({ room }: Person, sub: string): Promise<boolean> {
  const rights = candidates.find((one) => one.sub === sub);
  const isCounted = rights?.level !== 'ghost' && rights?.level !== 'admin';
  const { users } = await until(
    async () => {
      const list = await room.presence();
      return list.count === (isCounted ? 2 : 1) && list;
    },
    { what: `${sub} is counted`, everyMs: 150 },
  );
  return users.some(([id]) => id === sub);
}

t.test('all levels and groups against all combinations of flags', async (t) => {
  const by = { id: 'site', name: 'site', role: 'admin' };
  const combinations = Array.from({ length: 16 }, (_, bits) => ({
    isOnline: (bits & 1) === 0,
    isPrivate: (bits & 2) !== 0,
    anonsMayEnter: (bits & 4) === 0,
    anonsSeeChat: (bits & 8) === 0,
  }));
  await Promise.all(
    combinations.map(async (flags, at) => {
      await Promise.all(
        candidates.map(async (candidate, n) => {
          const id = `x${at}-${n}`;
          const room = `room:${id}`;
          const model = enter(t, two, room, { sub: 'm', role: 'model', level: 'performer' });
          await allIn([model]);
          await model.say('hello');
          await admin.moderate(id, { action: 'ban', by, mid: 'b', user: 'banned' });
          await admin.setFlags(id, flags);
          const seen = await found(t, room, candidate);
          model.client.close();
          t.same(seen, expected(candidate, flags), `${candidate.sub} ${JSON.stringify(flags)}`);
        }),
      );
    }),
  );
});

t.test('flags that change act on those inside, on every worker', async (t) => {
  const room = 'room:inside';
  const { model, anna, ben } = await castRoom(t, [one, two], room);
  const anon = enter(t, two, room, { sub: 'anon:2', role: 'anon', level: 'view' });
  const member = enter(t, two, room, { sub: 'carl', groups: 'member' });
  await allIn([anon, member]);
  await anna.say('seen by all');
  await until(() => anon.texts().length === 1, { what: 'the visitor sees chat' });

  await admin.setFlags('inside', { anonsSeeChat: false });
  await until(() => anon.events.length === 2, { what: 'the visitor is admitted anew' });
  t.equal(await anna.say('not for visitors'), 'ok');
  await model.room.setGoal({ target: '1000' });
  await until(() => bodies(anon, 'g').length === 1, { what: 'values still come' });
  t.same(anon.texts(), ['seen by all']);
  await t.rejects(anon.room.history(), { code: 'forbidden' });

  await admin.setFlags('inside', { anonsSeeChat: true });
  await until(() => anon.texts().includes('not for visitors'), {
    what: 'and then what was missed',
  });
  t.notOk(anon.events.includes('lost'));

  await admin.setFlags('inside', { isOnline: false });
  t.same(
    [await anna.say('x'), await member.say('y'), await model.say('z')],
    ['room_offline', 'room_offline', 'ok'],
  );
  await admin.setFlags('inside', { isOnline: true, isPrivate: true });
  const outside = [anna, ben, anon];
  await until(() => outside.every(({ events }) => events.at(-1) === 'end:kicked'), {
    what: 'all but members and those in charge have to go, on both workers',
  });
  t.match(bodies(anna, 'x').at(-1), { kind: 'kicked', reason: 'room_private', room: 'inside' });
  t.same([await member.say('still here'), await model.say('me too')], ['ok', 'ok']);
  t.match(await admin.settings('inside'), {
    flags: { isOnline: true, isPrivate: true, anonsMayEnter: true, anonsSeeChat: true },
  });
  t.match(await admin.audit('inside', { limit: 1 }), [
    { action: 'flags', settings: { isOnline: true, isPrivate: true } },
  ]);
});
