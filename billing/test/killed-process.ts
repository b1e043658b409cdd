// A process of billing that tests kill: `tips` pays with numbered keys as fast as it can and says
// each key before it asks, `settles` runs a settler. Started by faults-process.test.ts.
import { closeRedis, connectRedis, createMetrics } from '../../cluster/index.js';
import { ManualClock, silentLog } from '../../cluster/testing/index.js';
import { Database } from '../database.js';
import { Engine } from '../engine.js';
import { billingMetrics } from '../metrics.js';
import { Settler } from '../settler.js';
import { START_MS, TIMING, tip } from './stage.js';

const [what, redisUrl = '', mysqlUrl = '', first = '0'] = process.argv.slice(2);
const log = silentLog;
const clock = new ManualClock(START_MS);
const redis = await connectRedis(redisUrl, { role: 'money', name: 'killed', log });
const metrics = billingMetrics(createMetrics('billing', { process: false }));
const fence = { lift: () => Promise.reject(new Error('the test has lifted it')) };
const engine = new Engine({ redis, fence, timing: TIMING, metrics, now: () => clock.nowMs() });

async function pay(): Promise<void> {
  for (let number = Number(first); ; number += 1) {
    process.stdout.write(`${number}\n`);
    await tip({ engine, clock }, { key: `killed-${number}`, amount: 1n });
  }
}

async function settle(): Promise<void> {
  const database = await Database.open(mysqlUrl, { poolMax: 2, log });
  const settler = new Settler({ redis, engine, database, metrics, log, clock, idleMs: 1 });
  settler.start();
  process.stdout.write('settling\n');
}

if (what === 'tips') await pay();
else if (what === 'settles') await settle();
else await closeRedis(redis);
