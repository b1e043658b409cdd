// Limits and odd publishers: connections, idle and half-open peers, acknowledgements, pings, names,
// codecs.
import { connect } from 'node:net';
import t from 'tap';
import { startTcpProxy, until } from '../../cluster/testing/index.js';
import { RtmpClient, RtmpStatusError } from '../client.js';
import { parseControl, pingRequest, windowAckSize } from '../protocol/control.js';
import { FLV_AUDIO, FLV_VIDEO, FlvTag } from '../protocol/flv.js';
import { audioTag, headerTags, startIngest, videoTag } from './ingest-fixture.js';

t.test('connections beyond the limit are closed, and a place comes free again', async (t) => {
  const ingest = await startIngest(t, { connectionsMax: 2 });
  const first = await ingest.client();
  await ingest.client();
  await t.rejects(ingest.client());
  first.socket.destroy();
  await until(() => ingest.server.sessions.size === 1, { what: 'a free place' });
  await ingest.client();
});

t.test('one address cannot take all connections', async (t) => {
  const ingest = await startIngest(t, { connectionsPerAddressMax: 2 });
  await ingest.client();
  await ingest.client();
  await t.rejects(ingest.client());
  t.equal(ingest.server.sessions.size, 2);
});

t.test('media before publish is answered with what is missing, and not taken', async (t) => {
  const ingest = await startIngest(t);
  const client = await ingest.client();
  const heard: string[] = [];
  client.onStatus = (code, description) => heard.push(`${code}: ${description}`);
  client.sendTag(videoTag(0, { isKey: true }));
  await client.closed;
  t.match(heard, [
    /^NetStream\.Publish\.Rejected: .*after publish only: send the stream key first/,
  ]);
  t.same(ingest.hooks.calls, [], 'nobody was asked');
  t.match(await ingest.metricText(), /refusals_total\{[^}]*code="RTMP_NOT_PUBLISHING"[^}]*\} 1/);
});

t.test('a publisher whose media stops is dropped and told', async (t) => {
  const ingest = await startIngest(t, { idleTimeoutMs: 500 });
  const client = await ingest.publisher('sk_idle');
  let description = '';
  client.onStatus = (_, text) => (description = text);
  await client.closed;
  t.match(description, /no audio or video/);
  t.match(ingest.ended, [{ reason: 'idle' }]);
});

t.test('a half-open publisher is noticed, its stream is free again', async (t) => {
  const ingest = await startIngest(t, { idleTimeoutMs: 700 });
  const proxy = await startTcpProxy(t, { targetPort: ingest.port });
  const client = await RtmpClient.open({ host: proxy.host, port: proxy.port, app: 'publish' });
  await client.publish('sk_half');
  proxy.stall();
  await until(() => ingest.ended.length === 1, { what: 'the end' });
  await until(() => ingest.server.sessions.size === 0, { what: 'the socket to be gone' });
  client.socket.destroy();
});

t.test('a player that answers no ping is closed, one that answers stays', async (t) => {
  const ingest = await startIngest(t, { pingIntervalMs: 200, pingTimeoutMs: 500 });
  const publisher = await ingest.publisher('sk_ping');
  const timer = setInterval(() => publisher.sendTag(audioTag(0)), 50);
  t.teardown(() => clearInterval(timer));
  const alive = await ingest.client('play');
  let pings = 0;
  alive.onMessage = (message) => {
    if (message.type === 4 && parseControl(message).kind === 'pingRequest') pings++;
  };
  await alive.play('pub-sk_ping');
  const proxy = await startTcpProxy(t, { targetPort: ingest.port });
  const dead = await RtmpClient.open({ host: proxy.host, port: proxy.port, app: 'play' });
  await dead.play('pub-sk_ping');
  proxy.stall();
  const line = await until(() => ingest.log.lines.find((one) => one['end'] === 'ping-timeout'), {
    what: 'the ping time-out',
  });
  t.equal(line['kind'], 'play');
  await until(() => pings >= 3, { what: 'pings to the living one' });
  t.equal(ingest.log.lines.filter((one) => one['end'] === 'ping-timeout').length, 1);
  for (const one of [alive, dead, publisher]) one.socket.destroy();
});

t.test('received bytes are acknowledged in the window that the peer names', async (t) => {
  const ingest = await startIngest(t);
  const client = await ingest.publisher('sk_ack');
  const acks: number[] = [];
  client.onMessage = (message) => {
    if (message.type > 6) return;
    const event = parseControl(message);
    if (event.kind === 'acknowledgement') acks.push(event.bytes);
    if (event.kind === 'pingResponse') acks.push(-event.timestampMs);
  };
  client.send(2, windowAckSize(20_000));
  client.send(2, pingRequest(4711));
  for (let i = 0; i < 20; i++) client.sendTag(videoTag(i * 40, { isKey: i === 0, bytes: 10_000 }));
  await until(() => acks.some((bytes) => bytes > 180_000), { what: 'acknowledgements' });
  t.ok(acks.includes(-4711), 'a ping is answered with its own timestamp');
  client.socket.destroy();
});

t.test('names: the key may stand in the app, other apps and odd keys are refused', async (t) => {
  const ingest = await startIngest(t);
  const inApp = await RtmpClient.open({
    host: '127.0.0.1',
    port: ingest.port,
    app: '/publish/sk_app/?a=1',
  });
  await inApp.publish('');
  t.equal(ingest.started[0]?.streamId, 'pub-sk_app');
  t.equal(ingest.hooks.of('publish')[0]?.form.get('a'), '1');
  await t.rejects(ingest.client('live'), /Publish to rtmp:\/\/host\/publish/);
  for (const key of ['', 'a b', '../x', 'k'.repeat(129)]) {
    const client = await ingest.client();
    await t.rejects(client.publish(key), { code: 'NetStream.Publish.BadName' }, key);
  }
  const player = await ingest.client('play');
  await t.rejects(player.publish('sk_x'), RtmpStatusError, 'the play app does not publish');
  const early = await ingest.client('play');
  await t.rejects(early.play('nobody'), { code: 'NetStream.Play.StreamNotFound' });
  t.notMatch(JSON.stringify(ingest.log.lines), /"[^"]*(?<!pub-)sk_app/, 'no key in the log');
});

t.test('the digest handshake of Flash-style encoders is answered', async (t) => {
  const ingest = await startIngest(t);
  const client = await RtmpClient.open({
    host: '127.0.0.1',
    port: ingest.port,
    app: 'publish',
    hasDigest: true,
  });
  await client.publish('sk_digest');
  t.equal(ingest.started.length, 1);
});

t.test('codecs that viewers cannot play are refused with their name', async (t) => {
  const ingest = await startIngest(t);
  const cases: readonly [FlvTag, RegExp][] = [
    [new FlvTag(FLV_VIDEO, 0, Buffer.from('2200', 'hex')), /sorenson-h263/],
    [new FlvTag(FLV_VIDEO, 0, Buffer.from('9068766331', 'hex')), /hvc1/],
    [new FlvTag(FLV_AUDIO, 0, Buffer.from('b200', 'hex')), /speex/],
  ];
  for (const [tag, expected] of cases) {
    const client = await ingest.client();
    let description = '';
    client.onStatus = (_, text) => (description = text);
    await client.publish('sk_codec');
    client.sendTag(tag);
    await client.closed;
    t.match(description, expected);
  }
});

t.test('a peer that floods with pings and does not read is closed', async (t) => {
  const ingest = await startIngest(t, {
    unauthorisedBytesMax: 64 << 20,
    controlQueueBytesMax: 4_096,
  });
  const client = await ingest.client();
  client.socket.pause();
  const ping = Buffer.concat(
    Array.from({ length: 4_000 }, () => Buffer.from('020000000000060400000000000600000001', 'hex')),
  );
  const timer = setInterval(() => client.socket.write(ping), 5);
  t.teardown(() => clearInterval(timer));
  await until(() => ingest.log.lines.some((one) => one['end'] === 'send-queue'), {
    what: 'the close',
  });
  client.socket.destroy();
});

t.test('timestamps across 4 h 39 m and 49.7 days pass unchanged', async (t) => {
  const ingest = await startIngest(t);
  const client = await ingest.client();
  await client.publish('sk_wrap');
  const seen: number[] = [];
  const stream = ingest.started[0];
  stream?.subscribe({
    header: () => undefined,
    tag: (tag) => tag.isAudio && seen.push(tag.timestampMs) > 0,
    end: () => undefined,
  });
  const sent = [0xfffff0, 0xffffff, 0x1000010, 0xfffffff0, 0xffffffff, 0x10];
  for (const at of sent) client.sendTag(audioTag(at));
  await until(() => seen.length === sent.length, { what: 'all tags' });
  t.same(seen, sent);
  client.socket.destroy();
});

t.test('1,000 connections that say nothing cost little and go away', async (t) => {
  const ingest = await startIngest(t, { handshakeTimeoutMs: 5_000 });
  const sockets = Array.from({ length: 1_000 }, () => {
    const socket = connect({ port: ingest.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    return socket;
  });
  await until(() => ingest.server.sessions.size === 1_000, { what: 'all of them' });
  const client = await ingest.client().catch((error: unknown) => error);
  t.ok(client instanceof Error, 'the limit per address holds');
  await until(() => ingest.server.sessions.size === 0, { what: 'none of them' });
  for (const socket of sockets) socket.destroy();
  const late = await ingest.client();
  await late.publish('sk_late');
  for (const tag of headerTags()) late.sendTag(tag);
  t.equal(ingest.started.length, 1);
});
