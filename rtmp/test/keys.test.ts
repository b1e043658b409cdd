// Keys that may not publish, and media that nobody can play, case by case on the whole role:
// refused before any media counts, with a reason, and without a trace in processes, files and logs.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { RtmpClient, RtmpStatusError } from '../client.js';
import { FLV_AUDIO, FLV_VIDEO, FlvTag } from '../protocol/flv.js';
import { ffmpegsBelow } from './hls-fixture.js';
import { acceptAll, headerTags, runFfmpeg, startHookServer, videoTag } from './ingest-fixture.js';
import { startRole } from './role-process.js';

const HEVC = Buffer.from('9068766331', 'hex');

/** What the back end says to each key that it is asked about; it accepts `sk_good`. */
const ANSWERS: Readonly<Record<string, string>> = {
  sk_wrong: 'unknown stream key',
  'pub-sk_good': 'unknown stream key',
  sk_revoked: 'the stream key was replaced',
  sk_foreign: 'the stream key is for another stream',
  'tk_forged.x.y': 'the publish token is invalid',
  'tk_expired.x.y': 'the publish token has expired',
  sk_suspended: 'the model is suspended',
};

/** Names that cannot be keys. */
const NO_KEYS: Readonly<Record<string, string>> = {
  empty: '',
  'only arguments': '?token=sk_good',
  'a path': '../sk_good',
  'a space': 'sk good',
  'a line break': 'sk_good\r\nX: y',
  'a NUL': 'sk_good\0',
  'much too long': 'k'.repeat(129),
};

t.test('who may not publish is told why before it begins, and leaves nothing', async (t) => {
  const redis = await startRedis(t);
  const hooks = await startHookServer(t);
  let asking: RtmpClient | undefined;
  hooks.answer((record, response) => {
    // Careless encoders do not wait for the answer: it must not count, nor hide the reason.
    for (const tag of [...headerTags(), videoTag(0, { isKey: true })]) asking?.sendTag(tag);
    asking = undefined;
    const message = ANSWERS[record.form.get('name') ?? ''];
    if (record.call !== 'publish' || message === undefined) {
      acceptAll(record, response);
      return;
    }
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code: 'X', message } }));
  });
  const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const env = {
    ...{ RTMP_HOOK_URL: hooks.url, RTMP_PUBLISH_POLICY: 'refuse', RECORDERS: 'main:all' },
    // Each accepted publish would have a folder for them.
    HLS_PICTURE_EVERY_MS: '0',
  };
  const role = await startRole(t, { redis, mediaDir, env });
  const connect = async () => {
    const client = await RtmpClient.open({
      ...{ host: '127.0.0.1', port: role.rtmpPort, app: 'publish', timeoutMs: 60_000 },
    });
    const heard: string[] = [];
    client.onStatus = (code) => heard.push(code);
    return { client, heard };
  };
  const attempt = async (key: string) => {
    const { client, heard } = await connect();
    asking = client;
    const refusal = await client.publish(key).catch((thrown: unknown) => thrown);
    asking = undefined;
    await client.closed;
    return { refusal, heard };
  };
  const leftovers = async () => ({
    folders: (await readdir(mediaDir)).filter((name) => !name.startsWith('.')),
    ffmpegs: await ffmpegsBelow(mediaDir),
  });

  for (const [key, reason] of Object.entries(ANSWERS)) {
    const { refusal, heard } = await attempt(key);
    t.ok(refusal instanceof RtmpStatusError, key);
    t.match(refusal, { code: 'NetStream.Publish.Denied', message: new RegExp(reason) }, key);
    t.same(heard, ['NetStream.Publish.Denied'], `${key}: it was never told to begin`);
  }
  const asked = hooks.of('publish').length;
  t.equal(asked, Object.keys(ANSWERS).length, 'each was asked about once');
  for (const [what, key] of Object.entries(NO_KEYS)) {
    const { refusal, heard } = await attempt(key);
    t.match(refusal, { code: 'NetStream.Publish.BadName', message: /missing or has/ }, what);
    t.same(heard, ['NetStream.Publish.BadName'], what);
  }
  t.equal(hooks.of('publish').length, asked, 'nobody was asked about what is no key');

  const { client: good } = await connect();
  await good.publish('sk_good');
  const second = await attempt('sk_good');
  t.match(second.refusal, { code: 'NetStream.Publish.BadName', message: /published already/ });
  t.equal(hooks.of('publish').length, asked + 1, 'nor about the loser of two');
  good.socket.destroy();
  await until(() => hooks.of('publish_done').length === 1, { what: 'the only done' });
  t.same(await leftovers(), { folders: [], ffmpegs: [] });

  const real = runFfmpeg(t, [
    ...['-f', 'lavfi', '-i', 'sine', '-t', '5', '-c:a', 'aac', '-f', 'flv'],
    `rtmp://127.0.0.1:${role.rtmpPort}/publish/sk_revoked`,
  ]);
  t.not(await real.exited, 0);
  t.match(real.said(), /the stream key was replaced/, 'ffmpeg shows the reason');

  const media: Readonly<Record<string, FlvTag>> = {
    hvc1: new FlvTag(FLV_VIDEO, 0, HEVC),
    av01: new FlvTag(FLV_VIDEO, 0, Buffer.from('\x90av01', 'latin1')),
    vp09: new FlvTag(FLV_VIDEO, 0, Buffer.from('\x90vp09', 'latin1')),
    avc1: new FlvTag(FLV_VIDEO, 0, Buffer.from('\x90avc1', 'latin1')),
    hevc: new FlvTag(FLV_VIDEO, 0, Buffer.from('1c0000000001', 'hex')),
    Opus: new FlvTag(FLV_AUDIO, 0, Buffer.from('\x90Opus', 'latin1')),
  };
  for (const [codec, tag] of Object.entries(media)) {
    const { client, heard } = await connect();
    let said = '';
    client.onStatus = (code, text) => {
      heard.push(code);
      said = text;
    };
    await client.publish(`sk_codec_${codec}`);
    client.sendTag(tag);
    await client.closed;
    t.same(heard, ['NetStream.Publish.Start', 'NetStream.Publish.Rejected'], codec);
    t.match(said, new RegExp(`Codec ${codec} is not supported: use H.264 video with AAC`));
  }
  t.same(await leftovers(), { folders: [], ffmpegs: [] });
  const keys = [...Object.keys(ANSWERS), 'sk_good'].filter((key) => !key.startsWith('pub-'));
  for (const key of keys) t.notMatch(role.output().replaceAll(/pub-[\w-]+/g, ''), key);
});
