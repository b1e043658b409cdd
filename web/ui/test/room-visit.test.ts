// A visit to a room against a real HTTP server whose answers the test lets out one by one: an
// answer that comes too late never counts.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { until, type TestScope } from '../../../cluster/testing/index.js';
import type { ReceivedMessage } from '../src/realtime/realtime.js';
import { standInBrowser } from './browser-globals.js';

interface Knock {
  path: string;
  body: Record<string, unknown>;
  answer: (status: number, body: object) => void;
}

let knocks: Knock[] = [];
const site = createServer((request, response) => {
  let text = '';
  request.on('data', (data: Buffer) => (text += data.toString()));
  request.on('end', () => {
    const path = `${request.method ?? ''} ${request.url ?? ''}`;
    const body = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
    knocks.push({ path, body, answer: (status, value) => reply(response, status, value) });
  });
});
function reply(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
t.teardown(() => {
  site.closeAllConnections();
  site.close();
});
standInBrowser(`http://127.0.0.1:${String((site.address() as AddressInfo).port)}`);
const { RoomVisit } = await import('../src/room/room-visit.js');

const room = {
  ...{ id: '42', slug: 'nova', title: 'Nova', topic: '', model: { name: 'Nova' }, viewers: 3 },
  ...{ isLive: true, showType: 'paid', pricePerMinMilli: '6000', ticketMilli: '0' },
};
const offer = { code: 'PAYMENT_REQUIRED', priceMilliPerMin: '6000', balance: '9000', isLive: true };
const entry = (more: object = {}) => ({ channel: 'room:42', level: 'participant', ...more });

/** The oldest unanswered request of this kind. */
async function knockAt(path: string): Promise<Knock> {
  const isIt = (one: Knock): boolean => one.path === path;
  await until(() => knocks.some(isIt), { what: path });
  const at = knocks.findIndex(isIt);
  const [knock] = knocks.splice(at, 1);
  if (!knock) throw new Error(path);
  return knock;
}
const seen = { priceMilliPerMin: '6000', ticketMilli: '0' };
const ENTER = 'POST /api/v1/rooms/nova/enter';

/** A request of another kind has gone to the site and come back: what was under way has arrived. */
async function roundTrip(times = 5): Promise<void> {
  const asked = fetch('/elsewhere');
  (await knockAt('GET /elsewhere')).answer(200, {});
  await (await asked).text();
  if (times > 1) await roundTrip(times - 1);
}

type Join = ConstructorParameters<typeof RoomVisit>[2];

async function begin(t: TestScope, join?: Join) {
  knocks = [];
  const redirects: string[] = [];
  const denials: (string | undefined)[] = [];
  const events = {
    onMessage: () => undefined,
    onLost: () => undefined,
    onDenied: (reason: string | undefined) => denials.push(reason),
    onRedirect: (slug: string) => redirects.push(slug),
  };
  const visit = new RoomVisit('nova', events, join);
  t.teardown(() => visit.stop());
  const phases: string[] = [];
  visit.store.subscribe(() => phases.push(visit.store.get().phase.at));
  visit.start();
  (await knockAt('GET /api/v1/rooms/nova')).answer(200, room);
  return { visit, redirects, denials, phases, at: () => visit.store.get().phase.at };
}

await t.test(
  'a paid room shows its offer, and the price that was seen is what is accepted',
  async (t) => {
    const { visit, at } = await begin(t);
    (await knockAt(ENTER)).answer(402, offer);
    await until(() => at() === 'offer', { what: 'the offer' });
    const entering = visit.accept(seen);
    const knock = await knockAt(ENTER);
    t.match(knock.body, { accept: true, ...seen, key: String });
    knock.answer(200, entry({ sessionId: 's1' }));
    await entering;
    t.match(visit.store.get().phase, { at: 'inside', entry: { sessionId: 's1' } });
  },
);

await t.test('who stands before an offer does not knock again and again', async (t) => {
  const joined: string[] = [];
  const told = {
    ...{ channel: 'lobby', kind: 's' as const, body: { rooms: ['42'] } },
    ...{ mid: '', from: undefined, offset: 0, ts: 0, isBacklog: true },
  };
  // Like the gateway: each join is told the newest change of the list again.
  const { at } = await begin(t, (channel, { onMessage }) => {
    joined.push(channel);
    queueMicrotask(() => onMessage(told));
    return { leave: () => joined.push('left') };
  });
  (await knockAt(ENTER)).answer(402, offer);
  await until(() => at() === 'offer', { what: 'the offer' });
  (await knockAt('GET /api/v1/rooms/nova')).answer(200, room);
  (await knockAt(ENTER)).answer(402, offer);
  await roundTrip();
  t.same(joined, ['lobby'], 'one look after joining, and the list is joined once');
});

await t.test('the offer of an older knock does not undo a paid entry', async (t) => {
  const { visit, at } = await begin(t);
  const older = await knockAt(ENTER);
  const entering = visit.accept(seen);
  (await knockAt(ENTER)).answer(200, entry({ sessionId: 's1' }));
  await entering;
  older.answer(402, offer);
  const next = visit.renewHls();
  (await knockAt('POST /api/v1/rooms/nova/hls')).answer(200, { hlsUrl: 'http://h/x.m3u8' });
  t.equal(await next, 'http://h/x.m3u8', 'the visit goes on');
  t.equal(at(), 'inside');
});

await t.test(
  'the entry of an older knock does not replace what the newer one has found',
  async (t) => {
    const { visit, at } = await begin(t);
    const older = await knockAt(ENTER);
    const asking = visit.enter();
    (await knockAt(ENTER)).answer(403, { code: 'MEMBERS_ONLY', detail: 'Members only.' });
    await asking;
    older.answer(200, entry({ sessionId: 'late' }));
    const again = visit.enter();
    t.equal(at(), 'refused', 'what came late was not shown in between');
    (await knockAt(ENTER)).answer(402, offer);
    await again;
    t.equal(at(), 'offer');
  },
);

await t.test('whose time is used up reads so at the door, until the show is over', async (t) => {
  const heard: ((message: ReceivedMessage) => void)[] = [];
  const { visit, at } = await begin(t, (_, { onMessage }) => {
    heard.push(onMessage);
    return { leave: () => undefined };
  });
  (await knockAt(ENTER)).answer(402, offer);
  await until(() => at() === 'offer', { what: 'the offer' });
  const entering = visit.accept(seen);
  const words = 'Your time in this show is used up. You have not been charged.';
  (await knockAt(ENTER)).answer(409, { code: 'TIME_USED_UP', detail: words });
  await entering;
  const said = () => {
    const { phase } = visit.store.get();
    return phase.at === 'offer' ? phase.offer.problem?.message : phase.at;
  };
  t.equal(said(), words);
  const look = async (isLive: boolean) => {
    const message = { kind: 's' as const, body: { rooms: ['42'] }, mid: '', from: undefined };
    heard.at(-1)?.({ ...message, channel: 'lobby', offset: 0, ts: 0, isBacklog: false });
    (await knockAt('GET /api/v1/rooms/nova')).answer(200, { ...room, isLive });
    (await knockAt(ENTER)).answer(402, { ...offer, isLive });
    await roundTrip();
  };
  await look(true);
  t.equal(said(), words, 'whatever else has changed in the room');
  await look(false);
  t.equal(said(), undefined, 'the next show is another one');
});

await t.test('after the page was left no answer counts', async (t) => {
  const { visit, at } = await begin(t);
  const knock = await knockAt(ENTER);
  visit.stop();
  const before = at();
  knock.answer(200, entry({ sessionId: 's1' }));
  await roundTrip();
  t.equal(at(), before);
});

await t.test('a room that is gone, and a site that is away, are told apart', async (t) => {
  const missing = await begin(t);
  (await knockAt(ENTER)).answer(503, { code: 'BILLING_UNAVAILABLE', detail: 'Billing is away.' });
  await until(() => missing.at() === 'failed', { what: 'away' });
  (await knockAt(ENTER)).answer(200, entry());
  await until(() => missing.at() === 'inside', { what: 'it is tried again by itself' });
});
