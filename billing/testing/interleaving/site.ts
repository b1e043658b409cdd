// What interleaved runs stand on: a real Redis and MariaDB, a clock that only the run moves, and
// two billing processes' worth of engine, settler, funder and finance, whose calls are steps.
import { silentLog, type TestScope } from '../../../cluster/testing/index.js';
import type { Engine } from '../../engine.js';
import { createFinance, type Finance } from '../../finance/finance.js';
import { Funder } from '../../funder.js';
import { Settler } from '../../settler.js';
import { SETTINGS } from '../../test/finance-stage.js';
import { goLive, type LedgerStage, startLedger, TIMING } from '../../test/stage.js';
import { inSteps, Steps } from './steps.js';
import { type Court, Witness, WitnessedEngine } from './witness.js';

export const ROOM = '7';
/** So often that a show is settled several times, by either settler. */
const OFTEN_SETTLED = { ...TIMING, settleMs: 2_000 };

export interface BillingProcess {
  readonly engine: Engine;
  readonly settler: Settler;
  readonly funder: Funder;
  readonly finance: Finance;
}

export interface Site {
  readonly stage: LedgerStage;
  readonly steps: Steps;
  readonly court: Court;
  readonly processes: readonly [BillingProcess, BillingProcess];
}

export async function startSite(t: TestScope): Promise<Site> {
  const stage = await startLedger(t, { appendFsync: 'no' });
  await goLive(stage, ROOM);
  const steps = new Steps();
  const court = { witness: new Witness(stage.clock, ROOM) };
  const start = (name: string) => newProcess(name, stage, steps, court);
  return { stage, steps, court, processes: [start('a'), start('b')] };
}

function newProcess(
  name: string,
  { redis: client, database: pool, fence, metrics, clock }: LedgerStage,
  steps: Steps,
  court: Court,
): BillingProcess {
  const take = (what: string, work: () => Promise<unknown>) => steps.take(`${name} ${what}`, work);
  const options = {
    redis: client,
    fence,
    timing: OFTEN_SETTLED,
    metrics,
    now: () => clock.nowMs(),
  };
  const engine = inSteps<Engine>(
    new WitnessedEngine(options, court),
    ['open', 'touch', 'end', 'tip', 'fund', 'sweep', 'readWallet', 'trim'],
    take,
  );
  // A transaction is one step: inside it the rows that it has locked decide who waits.
  const database = inSteps(pool, ['query', 'run', 'transaction'], take);
  // Read within a transaction of the settler.
  const redis = inSteps(client, ['xrange'], (_, work) => steps.watch(work()));
  const shared = { engine, database, metrics, log: silentLog, clock };
  // Nothing that was booked stays in the outbox: what is trimmed too early is lost.
  const settler = new Settler({ ...shared, redis, tail: 0 });
  const funder = new Funder({ ...shared, onFunded: () => undefined });
  const finance = createFinance({ ...shared, funder, settings: SETTINGS });
  return { engine, settler, funder, finance };
}
