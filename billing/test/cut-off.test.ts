// The end of the credit in every medium at once: billing, gateway and media node as processes,
// ffmpeg as publisher, and a media node that does not hear the first order.
import t from 'tap';
import { signHlsPath } from '../../cluster/index.js';
import { TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { bodies } from '../../gateway/test/room-cast.js';
import { watch } from '../../gateway/test/worker-harness.js';
import { RtmpClient } from '../../rtmp/index.js';
import { playlistWith } from '../../rtmp/test/hls-fixture.js';
import { ffmpegPublisher } from '../../rtmp/test/ingest-fixture.js';
import { startMediaSite } from './media-site.js';
import { KEY_HASH, STREAM_KEY } from './role-stage.js';

const STREAM = 'stream-seven';
const GRANT = 100_000n;
/** What is left after the tip: two seconds of the show. */
const REST = 2_000n;

const site = await startMediaSite(t, {
  ...{ BILLING_UPDATE_INTERVAL_MS: '1000', BILLING_GRACE_MS: '1000' },
  // No update comes before the test is over: only orders reach the players.
  RTMP_UPDATE_INTERVAL_MS: '300000',
});
const { client } = site;

t.test('at the end of the credit every medium is cut, and again until it is', async (t) => {
  const terms = { performerId: '99', streamId: STREAM, priceMilliPerMin: 60_000n, isActive: true };
  await client.putRoom('7', terms);
  await client.putStreamKey({ streamId: STREAM, keyHash: KEY_HASH });
  await client.grant({
    ...{ key: 'grant-key-1', userId: '42', amountMilli: GRANT, reason: 'test', actor: 'admin:1' },
  });
  const broadcast = ffmpegPublisher(t, `rtmp://127.0.0.1:${site.rtmpPort}/publish/${STREAM_KEY}`);

  const { sessionId, playToken } = await client.openSession({
    ...{ viewerId: '42', roomId: '7', key: 'open-key-1' },
  });
  const room = watch(t, [site.realtime], 'room:7', { sub: '42', bill: sessionId });
  const inbox = watch(t, [site.realtime], 'user:42', { sub: '42' });
  const exp = Math.floor(Date.now() / 1_000) + 90;
  const grant = { streamId: STREAM, sid: sessionId, exp };
  const playlist = `${site.hls}${signHlsPath(grant, TEST_SECRETS.token)}/v0.m3u8`;
  const live = await playlistWith(playlist, 'a segment', ({ segments }) => segments.length > 0);
  const player = await RtmpClient.open({ host: '127.0.0.1', port: site.rtmpPort, app: 'play' });
  t.teardown(() => player.socket.destroy());
  let tags = 0;
  let why = '';
  player.onTag = () => (tags += 1);
  player.onStatus = (_, description) => (why = description);
  await player.play(`${STREAM}?token=${playToken}`);
  await until(() => tags > 0 && room.events.includes('ready') && inbox.events.includes('ready'), {
    ...{ what: 'the viewer sees the show in every way' },
  });

  await site.orders.refuse();
  const spent = (await client.getWallet('42')).balance - REST;
  await client.tip({
    ...{ key: 'tip-key-1', viewerId: '42', viewerName: 'anna', roomId: '7', amountMilli: spent },
  });
  await until(() => room.events.includes('end:cutoff'), {
    ...{ what: 'the viewer is out of the room' },
  });
  await until(() => bodies(inbox, 'x').length > 0, { what: 'the viewer is told' });
  const news = {
    kind: 'cutoff',
    reason: 'insufficient_credit',
    title: 'Your credits are used up.',
  };
  t.match(bodies(inbox, 'x'), [news]);
  const cut = await client.getSession(sessionId);
  t.match(cut, { state: 'ended', reason: 'insufficient_credit' });

  const params = { call: 'update_play', name: STREAM, token: playToken, session: 'other-player' };
  const hook = await fetch(`${site.billing}/hooks/nginx-rtmp/on_update`, {
    ...{ method: 'POST', body: new URLSearchParams(params) },
  });
  t.equal(hook.status, 403, 'an update of any player is denied');
  t.match(await hook.text(), /insufficient_credit/);

  const seen = tags;
  await until(() => tags > seen, { what: 'the node that heard nothing plays on' });
  await site.orders.heal();
  await until(() => player.socket.destroyed, {
    ...{ what: 'the next order reaches the player' },
  });
  t.match(why, /insufficient_credit/, 'the player is told why');
  for (const url of [playlist, live.segments.at(-1)?.uri ?? '']) {
    t.equal((await fetch(url)).status, 403, 'no playlist, no segment');
  }
  t.equal(broadcast.child.exitCode, null, 'the broadcast goes on');

  const after = await client.getSession(sessionId);
  t.equal(after.chargedMilli, cut.chargedMilli, 'nothing after the cut is billed');
  t.equal(after.billableMs, cut.billableMs);
  t.equal(cut.chargedMilli + spent, GRANT, 'all credit was used, not more');
  t.match(await client.getWallet('42'), { balance: 0n, held: 0n });
});
