// Refunds of a simulated run: parts of tips while everything breaks, parts of shows and more than
// is left when they are over. Asked again by the same key until somebody answers; judged by
// invariant I11: a milli-credit goes back once at most, and to the lots that paid.
import type { BillingClient } from '../../client.js';
import { bigintOf, type Database, textOf } from '../../database.js';
import { payeeShare } from '../../tariff.js';
import type { Viewer } from './viewer.js';

export interface Refund {
  readonly source: { readonly sessionId: string } | { readonly tipId: string };
  /** Absent = all that is left. */
  readonly amountMilli?: bigint;
  /** What was answered; all of it has gone back already when it is `refused`. */
  answer?: { readonly refundId: string; readonly amountMilli: bigint } | 'refused';
  /** The same key was answered something else afterwards. */
  isContradicted?: boolean;
}

/** @throws AppError while the show or tip is not booked, or nobody answers */
export async function refund(viewer: Viewer, client: BillingClient, key: string): Promise<void> {
  const asked = viewer.refunds.get(key);
  if (asked === undefined || asked.answer !== undefined) return;
  asked.answer = await ask(asked, client, key);
}

function ask({ source, amountMilli }: Refund, client: BillingClient, key: string) {
  const people = { reason: 'sim', actor: 'admin:1', approver: 'admin:2' };
  const more = amountMilli === undefined ? {} : { amountMilli };
  return client.refund({ key, ...source, ...more, ...people }).catch(isPastLimit);
}

/** By a key that was answered: a second click, or an answer that the caller has lost. */
export async function refundAgain(
  viewer: Viewer,
  client: BillingClient,
  key: string,
): Promise<void> {
  const asked = viewer.refunds.get(key);
  const before = asked?.answer;
  if (asked === undefined || before === undefined || before === 'refused') return;
  const answer = await ask(asked, client, key);
  const isSame = answer !== 'refused' && answer.refundId === before.refundId;
  if (!isSame || answer.amountMilli !== before.amountMilli) asked.isContradicted = true;
}

/** Refused by rule is an answer. */
function isPastLimit(thrown: unknown): 'refused' {
  if ((thrown as { code?: string }).code === 'BILLING_REFUND_LIMIT') return 'refused';
  throw thrown;
}

/** Milli-credits that went back to one viewer, and what of it the model has given. */
export interface Refunded {
  readonly problems: readonly string[];
  readonly viewerMilli: bigint;
  readonly payeeMilli: bigint;
}

/** @param costs what each show and tip of the viewer has cost */
export async function judgeRefunds(
  database: Database,
  { id, refunds }: Pick<Viewer, 'id' | 'refunds'>,
  costs: ReadonlyMap<string, bigint>,
  shareBps: number,
): Promise<Refunded> {
  const problems: string[] = [];
  const [reached, shares] = [new Map<string, bigint>(), new Map<string, bigint>()];
  const booked = new Map<string, bigint>();
  let payeeMilli = 0n;
  const rows = await database.query('SELECT * FROM refund WHERE wallet = ? ORDER BY id', [id]);
  for (const row of rows) {
    const source = textOf(row, 'source');
    const [from, to] = [bigintOf(row, 'from_milli'), bigintOf(row, 'to_milli')];
    if (from !== (reached.get(source) ?? 0n)) problems.push(`I11: ${source} goes on at ${from}`);
    if (to > (costs.get(source) ?? 0n)) problems.push(`I11: ${source} gave ${to}`);
    const share = bigintOf(row, 'payee_milli') + bigintOf(row, 'loss_milli');
    reached.set(source, to);
    shares.set(source, (shares.get(source) ?? 0n) + share);
    booked.set(textOf(row, 'id'), to - from);
    payeeMilli += bigintOf(row, 'payee_milli');
  }
  for (const [source, to] of reached) {
    const cost = costs.get(source) ?? to;
    const due = (payeeShare(cost, shareBps) * to) / cost;
    if (shares.get(source) !== due)
      problems.push(`I13: of ${source} ${shares.get(source)} of ${due}`);
  }
  for (const [key, { answer, amountMilli, isContradicted }] of refunds) {
    if (answer === 'refused') continue;
    if (answer === undefined || booked.get(answer.refundId) !== answer.amountMilli) {
      problems.push(`I5: refund ${key} was answered ${answer?.amountMilli}`);
    }
    if (answer?.amountMilli !== (amountMilli ?? answer?.amountMilli)) {
      problems.push(`I11: refund ${key} gave ${answer?.amountMilli} of ${amountMilli} asked`);
    }
    if (isContradicted) problems.push(`I5: refund ${key} was answered twice, differently`);
  }
  const given = [...refunds.values()].filter(({ answer }) => answer !== 'refused').length;
  if (given !== rows.length) problems.push(`I5: ${given} refunds answered, ${rows.length} booked`);
  problems.push(...(await judgeLots(database, costs, reached)));
  const viewerMilli = [...reached.values()].reduce((sum, to) => sum + to, 0n);
  return { problems, viewerMilli, payeeMilli };
}

/** No lot has back more than it paid; all of them together what cash has not paid. */
async function judgeLots(
  database: Database,
  costs: ReadonlyMap<string, bigint>,
  reached: ReadonlyMap<string, bigint>,
): Promise<string[]> {
  const problems: string[] = [];
  const sums = new Map<string, { spent: bigint; back: bigint }>();
  const rows = await database.query(
    `SELECT source, lot, SUM(IF(kind = 'spend', amount, 0)) AS spent,
       SUM(IF(kind = 'spend', 0, amount)) AS back
     FROM lot_use WHERE source IN (?) GROUP BY source, lot`,
    [['', ...costs.keys()]],
  );
  for (const row of rows) {
    const source = textOf(row, 'source');
    const [spent, back] = [bigintOf(row, 'spent'), bigintOf(row, 'back')];
    const sum = sums.get(source) ?? { spent: 0n, back: 0n };
    sums.set(source, { spent: sum.spent + spent, back: sum.back + back });
    if (back > spent) problems.push(`I11: lot ${textOf(row, 'lot')} got too much of ${source}`);
  }
  for (const [source, { spent, back }] of sums) {
    const cash = (costs.get(source) ?? 0n) - spent;
    const to = reached.get(source) ?? 0n;
    const due = to > cash ? to - cash : 0n;
    if (back !== due) problems.push(`I11: lots got ${back} of ${source}, due ${due}`);
  }
  return problems;
}
