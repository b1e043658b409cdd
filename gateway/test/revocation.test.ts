// Who was sent away does not come back with what they had before: resume tickets, room tickets,
// connect tokens, on any worker of the fleet, asked by clients that ignore what they are told.
import t from 'tap';
import { createRedisBus, createTokenService } from '../../cluster/index.js';
import {
  silentLog,
  startRedis,
  TEST_SECRETS,
  until,
  type TestScope,
} from '../../cluster/testing/index.js';
import { createGatewayControl, type ControlOrder } from '../control.js';
import type { AccessLevel } from '../protocol/index.js';
import { codeIn, connectRaw, openRaw, resumeIn, type RawClient } from './raw-client.js';
import { connectToken, roomTicket, startWorker, type TestWorker } from './worker-harness.js';

const server = await startRedis(t);
const { url: redisUrl } = server;
let busCount = 0;
const start = async (scope: TestScope): Promise<TestWorker> => {
  busCount += 1;
  const name = `bus-${busCount}`;
  const bus = await createRedisBus({ url: redisUrl, name, log: silentLog });
  return startWorker(scope, redisUrl, { bus });
};
const workers = [await start(t), await start(t)];
const [one = '', two = ''] = workers.map(({ url }) => url);
const orders = await createRedisBus({ url: redisUrl, name: 'backend', log: silentLog });
t.teardown(() => orders.close());
const control = createGatewayControl(orders);

/** Tokens of some seconds ago, or from now on. */
const signedAt = (offsetMs: number) =>
  createTokenService(TEST_SECRETS.token, {
    nowMs: () => Date.now() + offsetMs,
    monotonicMs: () => performance.now(),
  });

interface Inside {
  readonly client: RawClient;
  readonly resume: string;
}

async function enter(
  t: TestScope,
  url: string,
  room: string,
  { sub, level }: { sub: string; level?: AccessLevel },
): Promise<Inside> {
  const client = await connectRaw(t, url, sub);
  const ticket = roomTicket(sub, room, level);
  const reply = await client.call({ c: 'sub', ch: `room:${room}`, ticket });
  return { client, resume: resumeIn(reply) };
}

/** What somebody hears who comes with a ticket, on a new connection. */
async function come(
  t: TestScope,
  url: string,
  [sub, room, ticket]: readonly [string, string, string],
): Promise<unknown> {
  const client = await connectRaw(t, url, sub);
  const code = codeIn(await client.call({ c: 'sub', ch: `room:${room}`, ticket }));
  client.close();
  return code;
}

/** Sends an order; somebody who is meant is on each worker, so that both have it. */
async function order(meant: readonly Inside[], what: ControlOrder): Promise<void> {
  await control.send(what);
  await Promise.all(meant.map(({ client }) => client.told('unsub')));
}

t.test('who was sent out of a room needs a new ticket, on every worker', async (t) => {
  const anna = { sub: 'anna', level: 'moderator' } as const;
  const inside = [await enter(t, one, 'role', anna), await enter(t, two, 'role', anna)];
  const ben = await enter(t, one, 'role', { sub: 'ben' });
  const elsewhere = await enter(t, one, 'other', anna);
  await order(inside, { do: 'evict', room: 'role', user: 'anna', reason: 'role' });
  for (const url of [one, two]) {
    for (const { resume } of inside) {
      t.equal(await come(t, url, ['anna', 'role', resume]), 'bad_ticket');
    }
    const unused = signedAt(-5_000).sign('room', { ...anna, room: 'role', jti: url }, 30);
    t.equal(await come(t, url, ['anna', 'role', unused]), 'bad_ticket', 'not used before');
    t.equal(await come(t, url, ['ben', 'role', ben.resume]), 'ok', 'somebody else');
    t.equal(await come(t, url, ['anna', 'other', elsewhere.resume]), 'ok', 'another room');
  }
  const written = (): Promise<number> => server.client().zcard('rt:revoked');
  await until(async () => (await written()) > 0, { what: 'the order is kept' });
  const third = await start(t);
  const [first] = inside;
  const late = await come(t, third.url, ['anna', 'role', first?.resume ?? '']);
  t.equal(late, 'bad_ticket', 'a worker that is new');
  const again = await enter(t, one, 'role', { sub: 'anna' });
  t.not(again.resume, '');
  const mod = { c: 'mod', ch: 'room:role', mid: '1', action: 'mute', user: 'ben' };
  t.equal(codeIn(await again.client.call(mod)), 'forbidden', 'the new ticket has the new level');
});

t.test('an order for all rooms takes the tickets of all rooms', async (t) => {
  const carl = { sub: 'carl', level: 'moderator' } as const;
  const inside = [await enter(t, one, 'all1', carl), await enter(t, two, 'all2', carl)];
  await order(inside, { do: 'evict', room: '*', user: 'carl', reason: 'role' });
  for (const url of [one, two]) {
    const [first, second] = inside.map(({ resume }) => resume);
    t.equal(await come(t, url, ['carl', 'all1', first ?? '']), 'bad_ticket');
    t.equal(await come(t, url, ['carl', 'all2', second ?? '']), 'bad_ticket');
  }
});

t.test('when a room is emptied, who may stay may also come back', async (t) => {
  const guests = [
    await enter(t, one, 'paid', { sub: 'd1' }),
    await enter(t, two, 'paid', { sub: 'd2' }),
  ];
  const keeper = await enter(t, one, 'paid', { sub: 'keeper' });
  const staff = await enter(t, one, 'paid', { sub: 'mod', level: 'moderator' });
  await order(guests, { do: 'evict', room: 'paid', keep: ['keeper'], reason: 'price' });
  for (const url of [one, two]) {
    const codes = [];
    for (const [sub, { resume = '' } = {}] of [
      ['d1', guests[0]],
      ['d2', guests[1]],
      ['keeper', keeper],
      ['mod', staff],
    ] as const) {
      codes.push(await come(t, url, [sub, 'paid', resume]));
    }
    t.same(codes, ['bad_ticket', 'bad_ticket', 'ok', 'ok']);
  }
  t.equal(await come(t, two, ['d1', 'paid', roomTicket('d1', 'paid')]), 'ok', 'with a new one');
});

t.test('an account that was disconnected has no token any more', async (t) => {
  const inside = [
    await enter(t, one, 'gone', { sub: 'eve' }),
    await enter(t, two, 'gone', { sub: 'eve' }),
  ];
  const idle = await openRaw(t, one);
  const old = connectToken('eve');
  await control.send({ do: 'disconnect', user: 'eve' });
  t.same(await Promise.all(inside.map(({ client }) => client.closed)), [4003, 4003]);
  t.equal(
    codeIn(await idle.call({ c: 'connect', token: old })),
    'bad_token',
    'a socket that waited',
  );
  t.equal(await idle.closed, 4001);
  for (const url of [one, two]) {
    const again = await openRaw(t, url);
    t.equal(codeIn(await again.call({ c: 'connect', token: old })), 'bad_token');
    t.equal(await again.closed, 4001);
  }
  const later = await openRaw(t, two);
  const restored = signedAt(2_000).sign('connect', { sub: 'eve', name: 'Eve', role: 'viewer' }, 60);
  t.equal(
    codeIn(await later.call({ c: 'connect', token: restored })),
    'ok',
    'a token issued since',
  );
  t.equal(codeIn(await later.call({ c: 'refresh', token: old })), 'bad_token');
  const [first] = inside;
  const sub = { c: 'sub', ch: 'room:gone', ticket: first?.resume };
  t.equal(codeIn(await later.call(sub)), 'bad_ticket', 'nor do its tickets live on');
});

t.test('who was cut off does not come back with the ticket of that session', async (t) => {
  const billing = {
    isOver: false,
    touch(items: readonly { readonly sessionId: string }[]) {
      const verdict = billing.isOver ? ('cut' as const) : ('ok' as const);
      return Promise.resolve(items.map(({ sessionId }) => ({ sessionId, verdict })));
    },
  };
  const worker = await startWorker(t, redisUrl, { proofOfLife: billing });
  const client = await connectRaw(t, worker.url, 'fay');
  const ticket = roomTicket('fay', 'show', 'participant', { bill: 's1' });
  const resume = resumeIn(await client.call({ c: 'sub', ch: 'room:show', ticket }));
  billing.isOver = true;
  t.match(await client.told('unsub'), { reason: 'cutoff' });
  billing.isOver = false;
  t.equal(await come(t, worker.url, ['fay', 'show', resume]), 'bad_ticket');
  const next = roomTicket('fay', 'show', 'participant', { bill: 's2' });
  t.equal(await come(t, worker.url, ['fay', 'show', next]), 'ok', 'a new session');
});
