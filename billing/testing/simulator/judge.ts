// Judges a run that is over: the books, the wallets and every session against what the viewers saw
// answered. The numbers are the invariants of the reference (I1 … I13).
import { silentLog, type TestScope } from '../../../cluster/testing/index.js';
import { bigintOf, type Database, textOf } from '../../database.js';
import { Reconciler } from '../../reconcile.js';
import { ALL_SHARDS } from '../../shard.js';
import { Statements } from '../../statements.js';
import { costOf, parseTariff, payeeShare } from '../../tariff.js';
import { joinLedger, type JoinedLedger } from '../../test/stage.js';
import type { Outage } from './faults.js';
import { type Fleet, MAX_GAP_MS } from './fleet.js';
import { judgeRefunds } from './refunds.js';
import type { Ended } from './run-seed.js';

const SHARE_BPS = 6_000;
/** After an outage silent sessions are spared for a gap: that time may be free. */
const SPARED_MS = MAX_GAP_MS + 2_000;

/** Stops the roles, settles what is left and answers all that does not hold. */
export async function judge(
  t: TestScope,
  { roles, redis, mariadb }: Fleet,
  shows: readonly Ended[],
  outages: readonly Outage[],
): Promise<readonly string[]> {
  for (const role of roles) await role.kill('SIGTERM');
  const stage = await joinLedger(t, { redisUrl: redis.url, mysqlUrl: mariadb.url });
  const { engine, database, metrics, settler, funder } = stage;
  await settler.drain();
  for (const { viewer } of shows) await funder.apply(viewer.id);
  // I1, I6, I7, I8, I10: wallets, lots, debts, accounts, settlements, as whole numbers.
  const { mismatches } = await new Reconciler({ engine, database, metrics, log: silentLog }).run();
  const problems = mismatches.map((one) => `the books: ${JSON.stringify(one)}`);
  problems.push(...(await judgeShards(stage)));
  let [shown, tipped, reversed] = [0n, 0n, 0n];
  for (const show of shows) {
    const session = await sessionOf(database, show.viewer.sessionId);
    const tips = await tipsOf(database, show.viewer.id);
    problems.push(...judgeSession(show, session, outages), ...judgeTips(show, tips));
    problems.push(...(await judgeLots(stage, show.viewer.id)));
    const { owned, held } = await engine.readWallet(show.viewer.id);
    const sum = [...tips.values()].reduce((all, one) => all + one.amount, 0n);
    if (held !== 0n) problems.push(`I9: ${show.viewer.id} holds ${held}`);
    const costs = new Map([[show.viewer.sessionId, session.cost]]);
    for (const { id, amount } of tips.values()) costs.set(id, amount);
    const refunded = await judgeRefunds(database, show.viewer, costs, SHARE_BPS);
    problems.push(...refunded.problems);
    reversed += refunded.payeeMilli;
    if (owned !== show.funded - session.cost - sum + refunded.viewerMilli) {
      problems.push(`I6: ${show.viewer.id} owns ${owned} of ${show.funded}`);
    }
    shown += payeeShare(session.cost, SHARE_BPS);
    for (const one of tips.values()) tipped += payeeShare(one.amount, SHARE_BPS);
  }
  const { accounts, entriesSum } = await new Statements(database).summary();
  const earned = accounts.find(({ kind }) => kind === 'earnings')?.balance ?? '0';
  if (BigInt(earned) !== shown + tipped - reversed) problems.push(`I13: the model has ${earned}`);
  if (entriesSum !== '0') problems.push(`I1: the ledger adds up to ${entriesSum}`);
  return problems;
}

/** I10, I11: each lot has in Redis what the ledger has left of it; none has expired. */
async function judgeLots({ engine, database }: JoinedLedger, wallet: string): Promise<string[]> {
  const { lots } = await engine.readLots(wallet);
  const rows = await database.query(
    'SELECT id, remaining FROM lot WHERE wallet = ? AND remaining > 0 ORDER BY id',
    [wallet],
  );
  const found = lots.map(({ id, amount }) => `${id}: ${amount}`).sort();
  const due = rows.map((row) => `${textOf(row, 'id')}: ${bigintOf(row, 'remaining')}`).sort();
  if (found.join() === due.join()) return [];
  return [`I11: ${wallet} has lots ${found.join()}, the ledger ${due.join()}`];
}

/** I2, I7: no number below zero, every entry booked. */
export async function judgeShards({
  engine,
  database,
}: Pick<JoinedLedger, 'engine' | 'database'>): Promise<string[]> {
  const problems: string[] = [];
  const cursors = await database.query('SELECT shard, epoch, seq, parked FROM shard_cursor');
  for (const shard of ALL_SHARDS) {
    const { epoch, seq, wallets } = await engine.snapshot(shard);
    const cursor = cursors.find((row) => Number(row['shard']) === shard);
    const isBooked =
      cursor && bigintOf(cursor, 'seq') === seq && bigintOf(cursor, 'epoch') === epoch;
    if (!isBooked || cursor['parked'] !== null) problems.push(`I7: shard ${shard} is not booked`);
    for (const { wallet, owned, held, debt, holds } of wallets) {
      if (owned < 0n || held < 0n || debt < 0n || held !== holds) problems.push(`I2: ${wallet}`);
    }
  }
  return problems;
}

export interface SettledSession {
  readonly billMs: bigint;
  readonly cost: bigint;
  readonly wanted: bigint;
  readonly isEnded: boolean;
  readonly reason: string;
}

export async function sessionOf(database: Database, id: string): Promise<SettledSession> {
  const [row] = await database.query('SELECT * FROM session WHERE id = ?', [id]);
  const billMs = bigintOf(row, 'settled_bill_ms');
  return {
    ...{ billMs, cost: bigintOf(row, 'settled_cost'), reason: textOf(row, 'reason') },
    wanted: costOf(parseTariff(textOf(row, 'tariff')), billMs),
    isEnded: row?.['ended_ms'] !== null,
  };
}

/**
 * I3, I4: the cost is that of the billed time, which is no longer than the show (no second charged
 * twice) and no shorter than what was proved while nothing was broken (no session unmetered).
 */
function judgeSession(
  { viewer, openAskedAt, endedAt }: Ended,
  { billMs, cost, wanted, isEnded }: SettledSession,
  outages: readonly Outage[],
): string[] {
  const problems: string[] = [];
  if (!isEnded) problems.push(`${viewer.id}: the ledger has no end`);
  if (cost !== wanted) problems.push(`I3: ${viewer.id} paid ${cost} for ${billMs} ms`);
  const longest = Math.ceil(endedAt - openAskedAt) + 1;
  if (billMs > longest) problems.push(`I4: ${viewer.id} paid ${billMs} ms of ${longest}`);
  // A socket's proof is answered by the engine alone; a hook may be let through while it is away.
  const least = provedMs(viewer.proofs, viewer.dialect === 'srs' ? [] : outages);
  if (billMs < least) problems.push(`unmetered: ${viewer.id} paid ${billMs} ms of ${least} proved`);
  return problems;
}

/** Between two answered proofs at least the time from the first answer to the second question. */
function provedMs(proofs: Ended['viewer']['proofs'], outages: readonly Outage[]): number {
  const sorted = proofs.toSorted((a, b) => a.askedAt - b.askedAt);
  let [sum, last] = [0, sorted[0]];
  for (const next of sorted.slice(1)) {
    if (last === undefined || next.askedAt < last.answeredAt) continue;
    const from = last;
    const isClean =
      next.answeredAt - from.askedAt < MAX_GAP_MS &&
      outages.every(({ fromMs, toMs }) => {
        return from.askedAt > toMs + SPARED_MS || next.answeredAt < fromMs;
      });
    // A millisecond is lost where clocks are cut to whole ones.
    if (isClean) sum += Math.max(0, Math.floor(next.askedAt - from.answeredAt) - 2);
    last = next;
  }
  return sum;
}

/** What is booked, by key. */
export async function tipsOf(
  database: Database,
  wallet: string,
): Promise<ReadonlyMap<string, { id: string; amount: bigint; times: number }>> {
  const rows = await database.query('SELECT id, idem_key, amount FROM tip WHERE wallet = ?', [
    wallet,
  ]);
  const found = new Map<string, { id: string; amount: bigint; times: number }>();
  for (const row of rows) {
    const key = textOf(row, 'idem_key');
    const times = (found.get(key)?.times ?? 0) + 1;
    found.set(key, { id: textOf(row, 'id'), amount: bigintOf(row, 'amount'), times });
  }
  return found;
}

/** I5: what was answered is booked once, under the id that was answered. */
function judgeTips({ viewer }: Ended, booked: Awaited<ReturnType<typeof tipsOf>>): string[] {
  const problems: string[] = [];
  for (const [key, { tipId, amount }] of viewer.tips) {
    const one = booked.get(key);
    if (one?.id === tipId && (one === undefined || (one.times === 1 && one.amount === amount))) {
      continue;
    }
    problems.push(`I5: tip ${key} was answered ${tipId}, booked ${one?.id} × ${one?.times ?? 0}`);
  }
  return problems;
}
