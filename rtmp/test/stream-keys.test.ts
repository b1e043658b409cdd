// Stream keys case by case on the real billing role and a media node as a process: what is not
// good is refused before it begins, with a reason and without a show; the right key goes live.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { KEY_HASH, startRole, STREAM_KEY } from '../../billing/test/role-stage.js';
import { createTokenService } from '../../cluster/index.js';
import { ManualClock, startRedis, TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { RtmpClient, RtmpStatusError } from '../client.js';
import { StreamDirectory } from '../directory.js';
import { command } from '../protocol/commands.js';
import { CSID_COMMAND } from '../protocol/message.js';
import { ffmpegPublisher, headerTags } from './ingest-fixture.js';
import { startRole as startMediaNode } from './role-process.js';

const STREAM = 'stream-seven';
const OTHERS = { streamId: 'stream-eight', key: 'sk_of_another_model' } as const;
const REVOKED_KEY = 'sk_before_it_was_regenerated';
const TICKET_SEC = 120;
const HOUR_MS = 3_600_000;

const UNKNOWN = { code: 'NetStream.Publish.Denied', message: /unknown stream key/ };
const FOREIGN = {
  code: 'NetStream.Publish.Denied',
  message: /the stream key is for another stream/,
};
const NO_KEY = { code: 'NetStream.Publish.BadName', message: /The stream key is missing/ };

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const token = createTokenService(TEST_SECRETS.token);
const tokenOfYesterday = createTokenService(
  TEST_SECRETS.token,
  new ManualClock(Date.now() - 24 * HOUR_MS),
);
const forger = createTokenService('another secret than that of the fleet');
const claims = { sub: '99', stream: STREAM };
const otherClaims = { sub: '98', stream: OTHERS.streamId };

/** What is published with (undefined: no name at all) and what the publisher is told. */
const REFUSED: Readonly<Record<string, readonly [string | undefined, typeof UNKNOWN]>> = {
  'a wrong key': ['sk_wrong', UNKNOWN],
  'a part of the right key': [STREAM_KEY.slice(0, -1), UNKNOWN],
  'the public id of the stream': [STREAM, UNKNOWN],
  'the stored hash of the key': [hashOf(STREAM_KEY), UNKNOWN],
  'an empty key': ['', NO_KEY],
  'arguments without a key': [`?stream=${STREAM}`, NO_KEY],
  'no key': [undefined, NO_KEY],
  'the key of another model': [`${OTHERS.key}?stream=${STREAM}`, FOREIGN],
  'a revoked key': [REVOKED_KEY, UNKNOWN],
  'a temporary key that has expired': [
    `tk_${tokenOfYesterday.sign('publish', claims, TICKET_SEC)}`,
    UNKNOWN,
  ],
  'a temporary key that was forged': [`tk_${forger.sign('publish', claims, TICKET_SEC)}`, UNKNOWN],
  'a token for playing': [`tk_${token.sign('play', claims, TICKET_SEC)}`, UNKNOWN],
  'a temporary key of no stream': [
    `tk_${token.sign('publish', { sub: '99', stream: 'stream-none' }, TICKET_SEC)}`,
    UNKNOWN,
  ],
  'a temporary key of another model': [
    `tk_${token.sign('publish', otherClaims, TICKET_SEC)}?stream=${STREAM}`,
    FOREIGN,
  ],
};

t.test('only the key of the stream, as it is now, makes a show', async (t) => {
  const [redis, stage] = await Promise.all([startRedis(t), startRole(t)]);
  const { client: billing } = stage;
  const terms = { priceMilliPerMin: 6_000n, isActive: true };
  await billing.putRoom('7', { ...terms, performerId: '99', streamId: STREAM });
  await billing.putRoom('8', { ...terms, performerId: '98', streamId: OTHERS.streamId });
  await billing.putStreamKey({ streamId: OTHERS.streamId, keyHash: hashOf(OTHERS.key) });
  for (const keyHash of [hashOf(REVOKED_KEY), KEY_HASH]) {
    await billing.putStreamKey({ streamId: STREAM, keyHash });
  }
  const mediaDir = await mkdtemp(join(tmpdir(), 'showbill-media-'));
  t.teardown(() => rm(mediaDir, { recursive: true, force: true }));
  const env = { RTMP_HOOK_URL: `${stage.base}/hooks/nginx-rtmp` };
  const node = await startMediaNode(t, { redis, mediaDir, env });
  const directory = new StreamDirectory(redis.client());

  const attempt = async (name: string | undefined) => {
    const client = await RtmpClient.open({
      ...{ host: '127.0.0.1', port: node.rtmpPort, app: 'publish', timeoutMs: 60_000 },
    });
    t.teardown(() => client.socket.destroy());
    const heard: { code: string; message: string }[] = [];
    client.onStatus = (code, message) => void heard.push({ code, message });
    if (name === undefined) {
      client.send(CSID_COMMAND, command('publish', 9, { args: [], streamId: 1 }));
    } else {
      const refusal = await client.publish(name).catch((thrown: unknown) => thrown);
      t.ok(refusal instanceof RtmpStatusError);
    }
    // Careless encoders send all the same.
    for (const tag of headerTags()) client.sendTag(tag);
    await client.closed;
    return heard;
  };

  for (const [what, [name, told]] of Object.entries(REFUSED)) {
    const heard = await attempt(name);
    t.match(heard, [told], what);
    t.equal(heard.length, 1, `${what}: it was never told to begin`);
  }
  t.same(await directory.list(), []);
  t.notMatch(node.output(), 'show.live');

  const broadcast = ffmpegPublisher(t, `rtmp://127.0.0.1:${node.rtmpPort}/publish/${STREAM_KEY}`);
  const row = await until(() => directory.find(STREAM), {
    ...{ what: 'the show of the right key', deadlineMs: 60_000 },
  });
  t.match(row, { streamId: STREAM, nodeId: 'rtmp-1' });
  t.match(await attempt(REVOKED_KEY), [UNKNOWN], 'also while the stream is live');
  t.same(
    (await directory.list()).map(({ streamId }) => streamId),
    [STREAM],
  );
  t.equal(broadcast.child.exitCode, null, 'the broadcast goes on');
});
