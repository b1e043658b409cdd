// Clients on bad networks: connections are destroyed again and again, each time with two seconds
// without network, while messages go on. What each client is shown has to be whole. After
// AnyCable's jitter benchmark; the promise of the replay is that of the design's acceptance list.
import { interleave } from '../lib/interleave.js';
import { offer } from '../lib/open-loop.js';
import type { ScenarioReport } from '../lib/result.js';
import type { Run } from '../lib/run-context.js';
import { startGatewayWorker, startRealtimeRedis } from '../servers/gateway-worker.js';
import { Crowd, type CrowdAccount } from './crowd/crowd.js';
import { crowdRows } from './crowd/rows.js';

const PER_SEC = 2;
const OFFLINE_MS = 2_000;
/** Between two cuts of one client. */
const CUT_EVERY_MS = 15_000;
/** From due to shown, time offline included. */
const REPLAY_P99_MAX_MS = 2_800;
const SETTLE_MS = 20_000;

export async function jitter(run: Run): Promise<ScenarioReport> {
  const { isQuick } = run.options;
  const clients = isQuick ? 60 : 1_000;
  const messages = isQuick ? 30 : 120;
  const rounds = isQuick ? 1 : Math.min(2, run.options.rounds);
  const redis = await startRealtimeRedis(run);
  const workers = await Promise.all(
    ['gateway-1', 'gateway-2'].map((name) =>
      startGatewayWorker(run, { name, redisUrl: redis.server.url }),
    ),
  );
  const urls = workers.map(({ port }) => `ws://127.0.0.1:${port}/`);
  const accounts: CrowdAccount[] = [];
  let cuts = 0;
  await interleave([{ name: 'gateway' }], { rounds, warmUps: 0 }, async () => {
    const room = String(100 + accounts.length);
    const crowd = await Crowd.open(run.scope, { count: clients, room, urls });
    const timer = setInterval(() => {
      cuts += 1;
      crowd.cut(cuts, OFFLINE_MS);
    }, CUT_EVERY_MS / clients);
    await offer({ perSec: PER_SEC, count: messages }, (due, at) =>
      redis.publisher.publish(`room:${room}`, {
        ...{ cls: 'reliable', kind: 't', mid: `j${at}` },
        body: { text: `${due} ${at + 1}` },
      }),
    );
    clearInterval(timer);
    accounts.push(await crowd.account(messages, SETTLE_MS));
    return null;
  });
  return {
    scenario: 'jitter',
    limitedBy: 'pace',
    results: crowdRows(accounts, REPLAY_P99_MAX_MS),
    notes: [
      `${clients} reference clients on two workers, ${messages} messages at ${PER_SEC}/s, ${cuts} connections ` +
        `destroyed, each followed by ${OFFLINE_MS} ms without network.`,
      'All clients decode everything; every one was checked for holes, repeats and order.',
      'The p99 contains the time offline.',
    ],
  };
}
