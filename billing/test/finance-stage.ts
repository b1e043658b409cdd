// A ledger stage with all finance operations, and the auditor that every finance test ends with:
// everything is settled and Redis and SQL agree on every wallet, lot and debt, to the milli-credit.
import { silentLog, type TestScope } from '../../cluster/testing/index.js';
import { createFinance, type Finance } from '../finance/finance.js';
import type { FinanceSettings } from '../finance/desk.js';
import type { Mismatch } from '../reconcile.js';
import { Reconciler } from '../reconcile.js';
import { Statements } from '../statements.js';
import { goLive, type LedgerStage, open, startLedger, touch } from './stage.js';

export const DAY_MS = 86_400_000;

export const SETTINGS: FinanceSettings = {
  refundWindowHours: 24,
  refundAutoMaxMilli: 100_000,
  refundLotDays: 7,
  adjustAutoMaxMilli: 50_000,
  earningsHoldDays: 14,
  payoutMinimumMilli: 1_000,
  payoutFeeMilli: 100,
};

export interface FinanceStage extends LedgerStage {
  readonly finance: Finance;
  /** Settles, compares everything, answers what differs. */
  readonly audit: () => Promise<readonly Mismatch[]>;
  /** Balance per kind of account; 0 is left out. */
  readonly books: () => Promise<Record<string, string>>;
}

export async function startFinance(
  t: TestScope,
  settings: Partial<FinanceSettings> = {},
): Promise<FinanceStage> {
  const stage = await startLedger(t);
  const { engine, database, metrics, clock, funder, settler } = stage;
  const finance = createFinance({
    ...{ engine, database, clock, funder, log: silentLog },
    settings: { ...SETTINGS, ...settings },
    endSession: (sessionId) => engine.end(sessionId, 'frozen'),
  });
  const audit = async (): Promise<readonly Mismatch[]> => {
    await settler.drain();
    const reconciler = new Reconciler({ engine, database, metrics, log: silentLog });
    return (await reconciler.run()).mismatches;
  };
  const books = async (): Promise<Record<string, string>> => {
    const { accounts } = await new Statements(database).summary();
    const moved = accounts.filter((one) => one.balance !== '0');
    return Object.fromEntries(moved.map((one) => [one.kind, one.balance]));
  };
  return { ...stage, finance, audit, books };
}

let keys = 0;

/** A key that no other command has. */
export function newKey(): string {
  keys += 1;
  return `test-key-${keys}`;
}

/** A captured payment of 10 credits for 8.00 EUR unless told. */
export function payment(more: object = {}) {
  return {
    ...{ key: newKey(), provider: 'stripe', paymentRef: 'pi_1', userId: '42' },
    ...{ amountMilli: '10000', fiatMinor: 800, currency: 'EUR', ...more },
  };
}

/** A show of wallet 42 at 6 credits a minute that lasts `ms`, ended and settled. @returns its id */
export async function watch(stage: LedgerStage, ms: number): Promise<string> {
  await goLive(stage);
  const { sessionId } = await open(stage);
  for (let left = ms; left > 0; left -= 10_000) {
    stage.clock.advance(Math.min(left, 10_000));
    await touch(stage, sessionId);
  }
  await stage.engine.end(sessionId, 'left');
  await stage.settler.drain();
  return sessionId;
}

/** A tip of wallet 42 to model 99. @returns its id */
export async function tip(stage: LedgerStage, amount: bigint, bps = 6_000): Promise<string> {
  const key = newKey();
  const { status, tipId } = await stage.engine.tip({
    ...{ wallet: '42', room: '7', payee: '99', amount, bps, key },
    ...{ tipId: `01TESTTESTTESTTEST${key.slice(9).padStart(8, '0')}` },
    fingerprint: 'aaaaaaaaaaaaaaaa',
  });
  if (status !== 'OK') throw new Error(`tip: ${status}`);
  await stage.settler.drain();
  return tipId;
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (thrown: unknown) => (thrown as { code?: string }).code ?? String(thrown),
  );
}
