// Where connections come from, and what a publisher may use up: RTMPS, PROXY headers, networks,
// rate, time.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { AddressRules, contains, networks, plainAddress } from '../address-rules.js';
import { ClientHandshake } from '../protocol/handshake.js';
import { TEST_CERTIFICATE } from './certificate-fixture.js';
import { ffmpegPublisher, startIngest, videoTag } from './ingest-fixture.js';

t.test('RTMPS takes ffmpeg like RTMP does', async (t) => {
  const ingest = await startIngest(t, { tls: { port: 0, ...TEST_CERTIFICATE } });
  t.not(ingest.server.tlsPort, 0);
  const url = `rtmps://127.0.0.1:${ingest.server.tlsPort}/publish/sk_tls`;
  const publisher = ffmpegPublisher(t, url);
  const stream = await until(() => ingest.started[0], { what: 'the stream' });
  await until(() => stream.info.video !== undefined, { what: 'media' });
  stream.kick('enough');
  await publisher.exited;
  t.match(publisher.said(), /enough/);
});

t.test(
  'a client that speaks no TLS on the TLS port, or never ends its hello, is closed',
  async (t) => {
    const ingest = await startIngest(t, {
      tls: { port: 0, ...TEST_CERTIFICATE },
      handshakeTimeoutMs: 500,
    });
    for (const bytes of [new ClientHandshake().hello(), Buffer.from([0x16, 3, 1])]) {
      const socket = connect({ port: ingest.server.tlsPort, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.write(bytes);
      await new Promise((resolve) => socket.on('close', resolve).resume());
    }
    await until(() => ingest.server.sessions.size === 0, { what: 'no session is left' });
    const socket = connectTls({
      port: ingest.server.tlsPort,
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    socket.write(new ClientHandshake().hello());
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  },
);

t.test('behind a trusted proxy the client address comes from the header', async (t) => {
  const ingest = await startIngest(t, { proxies: ['127.0.0.0/8'], handshakeTimeoutMs: 400 });
  const send = (bytes: Buffer) => {
    const socket = connect({ port: ingest.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket;
  };
  const header = Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 4711 1935\r\n');
  const good = send(Buffer.concat([header, new ClientHandshake().hello()]));
  await new Promise((resolve) => good.once('data', resolve));
  t.match([...ingest.server.sessions], [{ address: '203.0.113.7', peerPort: 4711 }]);
  good.destroy();
  for (const bytes of [new ClientHandshake().hello(), header.subarray(0, 9)]) {
    const socket = send(bytes);
    await new Promise((resolve) => socket.on('close', resolve).resume());
  }
  t.equal(ingest.log.events().filter((one) => one === 'rtmp.proxy.refused').length, 2);
});

t.test('networks: deny wins, an empty allow list allows all, families are told apart', (t) => {
  const rules = new AddressRules({ allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.9.0.0/16'] });
  t.ok(rules.allows('10.1.2.3'));
  t.ok(rules.allows('2001:db8::5'));
  t.notOk(rules.allows('10.9.2.3'));
  t.notOk(rules.allows('192.0.2.1'));
  t.ok(new AddressRules({ allow: [], deny: [] }).allows('192.0.2.1'));
  t.notOk(contains(networks(['192.0.2.1']), 'no address'));
  t.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  t.equal(plainAddress('::ffff:1'), '::ffff:1');
  t.throws(() => networks(['300.1.1.1']));
  t.end();
});

t.test('an address that may not publish can still play, and no hook is asked', async (t) => {
  const ingest = await startIngest(t, { publishAddresses: { allow: [], deny: ['127.0.0.1'] } });
  await t.rejects((await ingest.client()).publish('sk_net'), /not from this address/);
  t.equal(ingest.hooks.calls.length, 0);
  await t.rejects((await ingest.client('play')).play('x'), /not live/);
});

t.test('too high a bit rate and too long a broadcast end with their own words', async (t) => {
  const ingest = await startIngest(t, { bitrateMaxBps: 100_000, rateWindowMs: 500 });
  const client = await ingest.publisher('sk_rate');
  let description = '';
  client.onStatus = (_, text) => (description = text);
  let at = 0;
  const timer = setInterval(() => {
    client.sendTag(videoTag((at += 40), { isKey: true, bytes: 5_000 }));
  }, 20);
  t.teardown(() => clearInterval(timer));
  const short = await startIngest(t, { durationMaxMs: 300 });
  const other = await short.publisher('sk_long');
  let end = '';
  other.onStatus = (_, text) => (end = text);
  await other.closed;
  t.match(end, /longest allowed/);
  await client.closed;
  t.match(description, /More than 100000 bit\/s/);
  t.match(ingest.ended, [{ reason: 'bitrate' }]);
});
