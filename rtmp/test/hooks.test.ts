// The hook dialect and its promises: members, verdicts, order, updates without drift, done exactly
// once.
import { Socket } from 'node:net';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { RtmpStatusError } from '../client.js';
import { encodeForm } from '../hooks.js';
import {
  acceptAll,
  audioTag,
  headerTags,
  refuseAll,
  startIngest,
  videoTag,
} from './ingest-fixture.js';

t.test('publish hooks carry the members of nginx-rtmp in its order, then ours', async (t) => {
  const ingest = await startIngest(t, { updateIntervalMs: 200 });
  const client = await ingest.client();
  await client.publish('sk_a?arg=v1&x=a%20b');
  client.sendTag(audioTag(1_500));
  await until(() => ingest.hooks.of('update_publish').length >= 2, { what: 'two updates' });
  client.unpublish('sk_a');
  await until(() => ingest.hooks.of('done').length === 1, { what: 'done' });
  const common = ['app', 'flashver', 'swfurl', 'tcurl', 'pageurl', 'addr', 'clientid', 'call'];
  const ids = ['session', 'node', 'arg', 'x'];
  const [publish] = ingest.hooks.of('publish');
  t.same([...(publish?.form.keys() ?? [])], [...common, 'name', 'type', ...ids]);
  t.match(Object.fromEntries(publish?.form ?? []), {
    app: 'publish',
    addr: '127.0.0.1',
    call: 'publish',
    name: 'sk_a',
    type: 'live',
    node: 'rtmp-test',
    arg: 'v1',
    x: 'a b',
  });
  t.equal(publish?.path, '/hooks/nginx-rtmp/on_publish');
  const update = ingest.hooks.of('update_publish').at(-1);
  t.same([...(update?.form.keys() ?? [])], [...common, 'time', 'timestamp', 'name', ...ids]);
  t.equal(update?.form.get('timestamp'), '1500');
  t.equal(update?.path, '/hooks/nginx-rtmp/on_update');
  const ends = ingest.hooks.of('publish_done', 'done');
  t.same(
    ends.map((one) => one.path),
    ['/hooks/nginx-rtmp/on_publish_done', '/hooks/nginx-rtmp/on_done'],
  );
  const sessions = new Set(ingest.hooks.calls.map((one) => one.form.get('session')));
  t.equal(sessions.size, 1, 'one id over all hooks of a session');
  t.match([...sessions][0], /^rtmp-test-[a-z0-9]+-1$/);
});

t.test('play hooks carry start, duration and reset as unsigned numbers', async (t) => {
  const ingest = await startIngest(t);
  const publisher = await ingest.publisher('sk_b');
  const player = await ingest.client('play');
  await player.play('pub-sk_b?token=tt');
  const form = ingest.hooks.of('play')[0]?.form;
  t.match(Object.fromEntries(form ?? []), {
    name: 'pub-sk_b',
    start: '4294966296',
    duration: '4294967295',
    reset: '0',
    token: 'tt',
  });
  player.socket.destroy();
  await until(() => ingest.hooks.of('play_done').length === 1, { what: 'play_done' });
  publisher.socket.destroy();
});

t.test(
  'the stream id comes from Location; without one it is made of the key, one way',
  async (t) => {
    const ingest = await startIngest(t);
    ingest.hooks.answer((record, response) => {
      const isNamed = record.form.get('name') === 'sk_named';
      if (record.call === 'publish' && isNamed) {
        response.writeHead(302, { location: 'Public_Id-1' }).end();
      } else response.writeHead(200).end();
    });
    await (await ingest.client()).publish('sk_named');
    await (await ingest.client()).publish('sk_plain');
    t.equal(ingest.started[0]?.streamId, 'Public_Id-1');
    t.match(ingest.started[1]?.streamId, /^[A-Za-z0-9_-]{22}$/);
    t.notMatch(ingest.started[1]?.streamId, /plain/);
  },
);

t.test(
  'a Location that is no stream id refuses the publisher and closes the session',
  async (t) => {
    const ingest = await startIngest(t);
    ingest.hooks.answer((record, response) => {
      if (record.call === 'publish') response.writeHead(302, { location: 'rtmp://x/y/z' }).end();
      else response.writeHead(200).end();
    });
    const client = await ingest.client();
    await t.rejects(client.publish('sk_c'), RtmpStatusError);
    await until(() => ingest.hooks.of('done').length === 1, { what: 'done for what was accepted' });
  },
);

t.test(
  'nothing is accepted while the hook thinks, and media before the verdict waits',
  async (t) => {
    const ingest = await startIngest(t);
    let decide: () => void = () => undefined;
    ingest.hooks.answer((record, response) => {
      if (record.call === 'publish') decide = () => acceptAll(record, response);
      else response.writeHead(200).end();
    });
    const client = await ingest.client();
    const codes: string[] = [];
    client.onStatus = (code) => void codes.push(code);
    const published = client.publish('sk_slow');
    await until(() => ingest.hooks.of('publish').length === 1, { what: 'the question' });
    for (const tag of headerTags()) client.sendTag(tag);
    client.sendTag(videoTag(0, { isKey: true }));
    t.equal(ingest.started.length, 0);
    t.same(codes, []);
    decide();
    await published;
    const stream = ingest.started[0];
    await until(() => stream?.info.video !== undefined, { what: 'the media that waited' });
  },
);

t.test('hooks fail closed: down, slow, server error, nonsense', async (t) => {
  const down = await startIngest(t, {}, () => 'http://127.0.0.1:1/hooks');
  await t.rejects((await down.client()).publish('sk_x'), /cannot be checked/);
  const unknown = await startIngest(t, {}, () => undefined);
  await t.rejects((await unknown.client()).publish('sk_x'), /cannot be checked/);

  const slow = await startIngest(t, { hookTimeoutMs: 100 });
  slow.hooks.answer(() => undefined);
  await t.rejects((await slow.client()).publish('sk_x'), /cannot be checked/);
  t.equal(slow.hooks.of('publish').length, 2, 'one more try');

  const broken = await startIngest(t);
  const answers = [500, 302, 101];
  for (const status of answers) {
    broken.hooks.answer((_, response) => void response.writeHead(status).end());
    await t.rejects((await broken.client()).publish('sk_x'), /cannot be checked/, String(status));
  }
  broken.hooks.answer((_, response) => void response.socket?.destroy());
  await t.rejects((await broken.client()).publish('sk_x'), /cannot be checked/);
  await t.rejects((await broken.client('play')).play('some'), /cannot be checked/);
  t.equal(broken.started.length, 0);
  t.equal(broken.hooks.of('done', 'publish_done', 'play_done').length, 0);
});

t.test('one more try saves a publish whose first call was lost', async (t) => {
  const ingest = await startIngest(t);
  let calls = 0;
  ingest.hooks.answer((record, response) => {
    if (++calls === 1) response.socket?.destroy();
    else acceptAll(record, response);
  });
  const client = await ingest.client();
  await client.publish('sk_retry');
  t.equal(ingest.started.length, 1);
});

t.test('updates keep to the clock of the accept, however long answers take', async (t) => {
  const intervalMs = 200;
  const ingest = await startIngest(t, { updateIntervalMs: intervalMs });
  ingest.hooks.answer((record, response) => {
    if (record.call === 'update_publish') setTimeout(() => response.writeHead(200).end(), 150);
    else acceptAll(record, response);
  });
  await ingest.publisher('sk_clock');
  // With drift any ten intervals take at least 10 × 150 ms more, however quick the machine is; a
  // busy one may stretch some of them.
  const hasNoDrift = (): boolean => {
    const times = ingest.hooks.of('update_publish').map(({ atMs }) => atMs);
    return times.some((at, n) => at - (times[n - 10] ?? -Infinity) < 10 * (intervalMs + 130));
  };
  await until(hasNoDrift, { what: 'ten intervals that are no longer than asked' });
});

t.test('an update that is denied ends the session with the reason', async (t) => {
  const ingest = await startIngest(t, { updateIntervalMs: 200 });
  ingest.hooks.answer((record, response) => {
    if (record.call === 'update_publish') refuseAll(record, response);
    else acceptAll(record, response);
  });
  const client = await ingest.publisher('sk_cut');
  let description = '';
  client.onStatus = (_, text) => (description = text);
  await client.closed;
  t.match(description, /unknown stream key/);
  await until(() => ingest.hooks.of('done').length === 1, { what: 'done' });
  t.equal(ingest.hooks.of('publish_done').length, 1);
});

t.test('updates that fail are counted, and the session ends only after too many', async (t) => {
  const ingest = await startIngest(t, { updateIntervalMs: 200, updateFailuresMax: 3 });
  let failures = 0;
  let isDown = true;
  ingest.hooks.answer((record, response) => {
    if (record.call === 'update_publish' && isDown) {
      failures++;
      response.writeHead(500).end();
    } else acceptAll(record, response);
  });
  const client = await ingest.publisher('sk_outage');
  // Each update is tried twice.
  await until(() => failures >= 4, { what: 'two failed updates' });
  isDown = false;
  const before = ingest.hooks.of('update_publish').length;
  await until(() => ingest.hooks.of('update_publish').length > before, { what: 'a good update' });
  t.equal(ingest.ended.length, 0, 'still live');
  isDown = true;
  await client.closed;
  t.match(ingest.ended, [{ reason: 'kicked' }]);
});

t.test('done events outlive an outage of the hook server, in order and once', async (t) => {
  const ingest = await startIngest(t);
  let isDown = false;
  const accepted: string[] = [];
  ingest.hooks.answer((record, response) => {
    if (isDown) {
      response.writeHead(503).end();
      return;
    }
    accepted.push(record.call);
    acceptAll(record, response);
  });
  const client = await ingest.publisher('sk_done');
  isDown = true;
  client.socket.destroy();
  await until(() => ingest.hooks.of('publish_done').length >= 2, { what: 'a repeated done' });
  isDown = false;
  await until(() => accepted.includes('done'), { what: 'delivery after the outage' });
  t.same(accepted, ['publish', 'publish_done', 'done']);
});

t.test('a peer that leaves while the hook thinks is closed at the back end too', async (t) => {
  const ingest = await startIngest(t);
  let decide: () => void = () => undefined;
  ingest.hooks.answer((record, response) => {
    if (record.call === 'publish') decide = () => acceptAll(record, response);
    else response.writeHead(200).end();
  });
  const client = await ingest.client();
  client.publish('sk_gone').catch(() => undefined);
  await until(() => ingest.hooks.of('publish').length === 1, { what: 'the question' });
  if (client.socket instanceof Socket) client.socket.resetAndDestroy();
  decide();
  await until(() => ingest.hooks.of('done').length === 1, { what: 'done' });
  t.equal(ingest.hooks.of('publish_done').length, 1);
  await until(() => ingest.server.streams().length === 0, { what: 'no stream is left' });
});

t.test('a stop of the node sends all done events before it returns', async (t) => {
  const ingest = await startIngest(t);
  await ingest.publisher('sk_stop1');
  await ingest.publisher('sk_stop2');
  const player = await ingest.client('play');
  await player.play('pub-sk_stop1');
  await ingest.server.stop();
  t.equal(ingest.hooks.of('publish_done').length, 2);
  t.equal(ingest.hooks.of('play_done').length, 1);
  t.equal(ingest.hooks.of('done').length, 3);
  t.equal(ingest.ended.length, 2);
});

t.test('the connect hook decides before anything else, and gets no clientid', async (t) => {
  const ingest = await startIngest(t, { hasConnectHook: true });
  await ingest.publisher('sk_connected');
  const [connect] = ingest.hooks.of('connect');
  t.equal(connect?.form.get('clientid'), null);
  t.ok(Number(connect?.form.get('epoch')) > 0);
  ingest.hooks.answer(refuseAll);
  await t.rejects(ingest.client(), /Connection refused: unknown stream key/);
});

t.test('values are cut, encoded, and cannot smuggle members', (t) => {
  const body = encodeForm({
    call: 'publish',
    members: { app: 'a&b=c', pageurl: 'p'.repeat(300), name: 'x'.repeat(1_100) },
    args: 'k=v\r\nX: y',
  });
  t.match(body, /^app=a%26b%3Dc&pageurl=p{256}&name=x{1024}&k=vX:y$/, 'a key has more room');
  t.end();
});
