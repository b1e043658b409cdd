// Control and statistics over a fleet of two nodes on one bus, and over HTTP in our words and
// nginx-rtmp's.
import t, { type Test } from 'tap';
import { createMemoryBus } from '../../cluster/index.js';
import { silentLog, until } from '../../cluster/testing/index.js';
import { FleetControl } from '../control/fleet-control.js';
import { startControlServer } from '../control/http.js';
import type { SessionStatistics, StreamStatistics } from '../control/statistics.js';
import { statisticsXml } from '../control/statistics-xml.js';
import { audioTag, type Ingest, startIngest, videoTag } from './ingest-fixture.js';

/** @param timeoutMs how long the nodes of a fleet wait for each other's answers */
async function startFleet(t: Test, { timeoutMs = 10_000 } = {}) {
  const bus = createMemoryBus({ log: silentLog });
  /** Nodes whose answers do not come. */
  const stalled = new Set<string>();
  const nodeIds = () => ['rtmp-1', 'rtmp-2'];
  const nodes: { ingest: Ingest; control: FleetControl }[] = [];
  for (const nodeId of nodeIds()) {
    const ingest = await startIngest(t, { nodeId, rateWindowMs: 300 });
    const { server } = ingest;
    const publish: typeof bus.publish = (topic, payload) =>
      stalled.has(nodeId) ? Promise.resolve() : bus.publish(topic, payload);
    const own = Object.assign(Object.create(bus) as typeof bus, { publish });
    const control = new FleetControl({
      ...{ bus: own, server, nodeId, nodeIds, timeoutMs, log: silentLog },
    });
    await control.start();
    nodes.push({ ingest, control });
  }
  const [one, two] = nodes;
  if (one === undefined || two === undefined) throw new Error('two nodes are needed');
  let drains = 0;
  const http = await startControlServer({
    ...{ port: 0, host: '127.0.0.1', control: one.control, log: silentLog },
    onDrain: () => {
      drains++;
      one.ingest.server.drain();
      return Promise.resolve();
    },
  });
  t.teardown(() => http.close());
  const call = async (method: string, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${http.port}${path}`, { method });
    return { status: answer.status, text: await answer.text() };
  };
  return { one: one.ingest, two: two.ingest, call, stalled, drains: () => drains };
}

t.test('streams and sessions of all nodes are listed through any of them', async (t) => {
  const { one, two, call } = await startFleet(t);
  const first = await one.publisher('sk_one');
  const second = await two.publisher('sk_two');
  const player = await two.client('play');
  await player.play('pub-sk_two');
  const timer = setInterval(() => {
    for (const client of [first, second])
      client.sendTag(videoTag(0, { isKey: true, bytes: 5_000 }));
  }, 20);
  t.teardown(() => clearInterval(timer));
  const list = async (what: string) =>
    (JSON.parse((await call('GET', `/${what}`)).text) as Record<string, unknown[]>)[what] ?? [];
  t.match(
    (await list('streams')).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    [
      { nodeId: 'rtmp-1', streamId: 'pub-sk_one', players: 0, video: { width: 640 } },
      { nodeId: 'rtmp-2', streamId: 'pub-sk_two', players: 1, audio: { codec: 'aac' } },
    ],
  );
  const sessions = await until(
    async () => {
      const all = await list('sessions');
      return /"play".*"bpsOut":[1-9]/.test(JSON.stringify(all)) ? all : undefined;
    },
    { what: 'the rate of the player' },
  );
  t.equal(sessions.length, 3);
  t.notMatch(JSON.stringify(sessions), /(?<!pub-)sk_/, 'no key');
  const xml = (await call('GET', '/stat')).text;
  t.match(xml, /<application>\n<name>publish<\/name>\n<live>\n<stream>\n<name>pub-sk_/);
  t.match(xml, /<width>640<\/width>\n<height>360<\/height>/);
  t.match(xml, /<naccepted>3<\/naccepted>/);
  t.match(xml, /<nclients>2<\/nclients>\n<publishing\/>\n<active\/>\n<\/stream>/);
  for (const client of [first, second, player]) client.socket.destroy();
});

t.test('drop acts in the whole fleet and answers with the true number', async (t) => {
  const { one, two, call } = await startFleet(t);
  const clients = [
    await one.publisher('sk_a'),
    await two.publisher('sk_b'),
    await two.publisher('sk_c'),
  ];
  t.same(await call('GET', '/control/drop/publisher?app=publish&name=pub-sk_b'), {
    status: 200,
    text: '1',
  });
  await clients[1]?.closed;
  t.same(await call('GET', '/control/drop/publisher?name=pub-sk_b'), { status: 200, text: '0' });
  t.same(await call('GET', '/control/drop/client?addr=127.0.0.1'), { status: 200, text: '2' });
  t.equal(one.server.streams().length + two.server.streams().length, 0);
  t.equal((await call('GET', '/control/drop/nobody')).status, 404);
  t.equal((await call('GET', '/control/record/start')).status, 500, 'no stream is named');
  t.equal((await call('GET', '/control/record/start?name=pub-sk_b')).status, 204);
});

t.test('one session or stream is kicked by its id, with a reason', async (t) => {
  const { two, call } = await startFleet(t);
  const publisher = await two.publisher('sk_k');
  const player = await two.client('play');
  await player.play('pub-sk_k');
  let seen = '';
  publisher.onStatus = (_, description) => (seen = description);
  const session = [...two.server.sessions].find((each) => each.role?.kind === 'play')?.id ?? '';
  t.equal((await call('POST', `/sessions/${session}/kick`)).status, 200);
  await player.closed;
  t.ok(two.server.find('pub-sk_k'));
  t.equal((await call('POST', '/streams/pub-sk_k/kick?reason=bad%20show')).status, 200);
  await publisher.closed;
  t.match(seen, /bad show/);
  t.equal((await call('POST', '/streams/pub-sk_k/kick')).status, 404);
  t.equal((await call('POST', '/nothing')).status, 404);
});

t.test('redirect moves players to another stream of their node', async (t) => {
  const { two, call } = await startFleet(t);
  const from = await two.publisher('sk_from');
  const to = await two.publisher('sk_to');
  const player = await two.client('play');
  const times: number[] = [];
  player.onTag = (tag) => {
    if (tag.isAudio && !tag.isSequenceHeader) times.push(tag.timestampMs);
  };
  await player.play('pub-sk_from');
  from.sendTag(audioTag(111));
  await until(() => times.includes(111), { what: 'sound of the first' });
  const path = '/control/redirect/subscriber?name=pub-sk_from&newname=';
  t.equal((await call('GET', `${path}pub-sk_nobody`)).text, '0');
  t.equal((await call('GET', `${path}pub-sk_to`)).text, '1');
  t.equal((await call('GET', path)).status, 500);
  to.sendTag(audioTag(222));
  from.sendTag(audioTag(333));
  await until(() => times.includes(222), { what: 'sound of the second' });
  t.notOk(times.includes(333));
  for (const client of [from, to, player]) client.socket.destroy();
});

t.test('a draining node takes no new connections and keeps those it has', async (t) => {
  const { one, call, drains } = await startFleet(t);
  const publisher = await one.publisher('sk_stay');
  t.equal((await call('POST', '/drain')).status, 200);
  t.equal(drains(), 1);
  await t.rejects(one.client());
  publisher.sendTag(videoTag(40, { isKey: true }));
  await until(() => one.server.find('pub-sk_stay')?.lastTimestampMs === 40, { what: 'media' });
});

t.test('a node that does not answer is left out after the time-out', async (t) => {
  const ingest = await startIngest(t);
  const control = new FleetControl({
    bus: createMemoryBus({ log: silentLog }),
    server: ingest.server,
    nodeId: 'rtmp-test',
    nodeIds: () => ['rtmp-test', 'rtmp-silent'],
    timeoutMs: 50,
    log: silentLog,
  });
  await control.start();
  t.match(await control.statistics(), [{ nodeId: 'rtmp-test', streams: [] }]);
});

t.test('an order that a silent node may have had to carry out is not called done', async (t) => {
  const { one, two, call, stalled } = await startFleet(t, { timeoutMs: 300 });
  const publisher = await one.publisher('sk_here');
  const far = await two.publisher('sk_far');
  const player = await one.client('play');
  await player.play('pub-sk_here');
  stalled.add('rtmp-2');
  const unanswered = { status: 504, text: /"CONTROL_UNANSWERED".*rtmp-2/ };
  for (const [method, path] of [
    ['GET', '/control/record/start?name=pub-sk_far'],
    ['POST', '/streams/pub-sk_far/record/stop'],
    ['POST', '/streams/pub-sk_far/kick'],
    ['POST', '/sessions/unknown/kick'],
    ['POST', '/streams/pub-sk_far/redirect?to=other'],
    ['GET', '/control/redirect/subscriber?name=pub-sk_far&newname=pub-sk_here'],
    ['GET', '/control/drop/subscriber?name=pub-sk_here'],
  ] as const) {
    t.match(await call(method, path), unanswered, path);
  }
  await player.closed;
  t.match(await call('GET', '/streams'), { status: 200, text: /pub-sk_here/ }, 'what is known');
  t.same(await call('GET', '/control/drop/publisher?name=pub-sk_here'), { status: 200, text: '1' });
  await publisher.closed;
  await far.closed;
  stalled.clear();
  t.equal((await call('POST', '/streams/pub-sk_far/kick')).status, 404, 'it had carried out all');
});

t.test('what clients say cannot break the XML', (t) => {
  const session: SessionStatistics = {
    ...{ session: 's', clientId: 1, kind: 'publish' as const, streamId: 'x', app: 'publish' },
    ...{ address: '::1', flashVer: '<a b="c">&\u0000', durationMs: 1, bytesIn: 1, bytesOut: 1 },
    ...{ bpsIn: 1, bpsOut: 1, droppedTags: 0, timestampMs: 5 },
  };
  const stream: StreamStatistics = {
    ...{ streamId: 'x', session: 's', app: 'publish', startedAtMs: 0, durationMs: 1, encoder: '' },
    ...{ video: undefined, audio: undefined, bitrateBps: 0, timestampJumps: 0, players: 0 },
  };
  const xml = statisticsXml([
    {
      ...{ nodeId: 'n', uptimeMs: 5_000, acceptedConnections: 1, bytesIn: 1, bytesOut: 1 },
      ...{ streams: [stream], sessions: [session] },
    },
  ]);
  t.match(xml, '<flashver>&#60;a b=&#34;c&#34;&#62;&#38;?</flashver>');
  t.end();
});
