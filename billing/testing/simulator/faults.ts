// The faults of a simulated run: links that break and stall, servers and roles that are killed.
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '../../../cluster/testing/index.js';
import type { Fleet } from './fleet.js';

export interface Outage {
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
}

type Fault = (fleet: Fleet, random: SeededRandom) => Promise<unknown>;

const role = (fleet: Fleet, random: SeededRandom) => random.pick(fleet.roles);

const FAULTS: Readonly<Record<string, Fault>> = {
  'engine and settler killed': async (fleet, random) => {
    const killed = role(fleet, random);
    await killed.kill('SIGKILL');
    await killed.start();
  },
  'Redis killed': async ({ redis }) => redis.restart(),
  'MariaDB killed': async ({ mariadb }, random) => {
    await mariadb.kill();
    await delay(random.int(0, 1_000));
    await mariadb.start();
  },
  'links to Redis cut': ({ toRedis }) => delay(0).then(() => toRedis.cut()),
  'links to MariaDB cut': ({ toSql }) => delay(0).then(() => toSql.cut()),
  'answers of Redis stalled': async ({ toRedis }, random) => {
    toRedis.stall(random.pick(['toClient', 'toServer', 'both'] as const));
    await delay(random.int(100, 1_500));
    if (random.chance(0.5)) toRedis.cut();
    await toRedis.heal();
  },
  'answers of MariaDB stalled': async ({ toSql }, random) => {
    toSql.stall(random.pick(['toClient', 'toServer', 'both'] as const));
    await delay(random.int(100, 1_500));
    if (random.chance(0.5)) toSql.cut();
    await toSql.heal();
  },
};

/** Kills of all three, and two of the others, one after the other in an order by seed. */
export async function breakThings(
  fleet: Fleet,
  random: SeededRandom,
  nowMs: () => number,
): Promise<readonly Outage[]> {
  const names = Object.keys(FAULTS);
  const kills = names.filter((name) => name.includes('killed'));
  const others = random.shuffle(names.filter((name) => !name.includes('killed')));
  const outages: Outage[] = [];
  for (const what of random.shuffle([...kills, ...others.slice(0, 2)])) {
    await delay(random.int(200, 900));
    const fromMs = nowMs();
    await FAULTS[what]?.(fleet, random);
    outages.push({ what, fromMs, toMs: nowMs() });
  }
  await delay(1_000);
  return outages;
}
