// Two billing processes and one SRS: one of them polls, the other follows when it is gone.
import t from 'tap';
import { closeRedis, connectRedis } from '../../cluster/index.js';
import { silentLog, startRedis, until, type TestScope } from '../../cluster/testing/index.js';
import { PollLease } from '../poll-lease.js';
import { SrsClients } from '../srs-clients.js';
import { SrsPoller } from '../srs-poller.js';
import { startSrs } from './srs-server.js';

/** Long enough for a machine that stands still for a while. */
const TTL_MS = 6_000;
const SHORT_MS = 600;
const server = await startRedis(t);
const redis = server.client();

/** A poller that says nothing to the engine: here only who looks, and what is forgotten, counts. */
function startPoller(t: TestScope, holder: string, url: string) {
  const lease = new PollLease({ redis, holder, ttlMs: TTL_MS });
  const unused = () => Promise.reject(new Error('the list has no clients'));
  const poller = new SrsPoller({
    ...{ urls: [url], intervalMs: 50, clients: new SrsClients(redis), lease, log: silentLog },
    ...{ touches: { touch: unused }, terms: { byStream: unused } },
    publishers: { touch: unused, isOver: unused },
  });
  poller.start();
  t.teardown(() => poller.stop());
  return { lease, poller };
}

t.test('one process polls; another goes on when it has stopped', async (t) => {
  const { state, url } = await startSrs(t);
  const first = startPoller(t, 'first', url);
  await until(() => state.looks > 2, { what: 'looks of the first' });
  const second = startPoller(t, 'second', url);
  const seen = state.looks;
  await until(() => state.looks > seen + 10, { what: 'more looks of the first' });
  const token = first.lease.token ?? 0;
  t.ok(token > 0);
  t.equal(second.lease.token, undefined, 'the second waits');
  await first.poller.stop();
  const at = state.looks;
  await until(() => state.looks > at, { what: 'looks of the second' });
  t.ok((second.lease.token ?? 0) > token);
});

t.test('a holder that dies loses the lease; what it writes late changes nothing', async (t) => {
  await redis.del('{live}:srs:lease');
  const link = await connectRedis(server.url, { role: 'money', name: 'dead', log: silentLog });
  const dead = new PollLease({ redis: link, holder: 'dead', ttlMs: SHORT_MS });
  dead.start();
  const token = await until(() => dead.token, { what: 'the lease' });
  await closeRedis(link);
  const next = new PollLease({ redis, holder: 'next', ttlMs: SHORT_MS });
  next.start();
  t.teardown(() => Promise.all([dead.stop(), next.stop()]));
  const newer = await until(() => next.token, { what: 'the lease to end' });
  t.ok(newer > token);
  await until(() => dead.token === undefined, { what: 'the late one to know' });

  const clients = new SrsClients(redis);
  await clients.remember({ server: 's', id: 'c1' }, 'SESSION');
  await clients.keepOnly('s', new Set(), token);
  t.same(await clients.sessions('s', ['c1']), ['SESSION'], 'an old list forgets nobody');
  await clients.keepOnly('s', new Set(), newer);
  t.same(await clients.sessions('s', ['c1']), [undefined]);
});
