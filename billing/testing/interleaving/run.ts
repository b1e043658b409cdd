// One run: a viewer with bought and given credits whom two billing processes serve at once. Begins
// calls, remembers what was answered, and judges at the end: answers against the reference model,
// books against both (the numbers are the invariants of the reference).
import { costOf, payeeShare, perMinute, tariffText } from '../../tariff.js';
import { newSessionId, shardOfWallet } from '../../shard.js';
import { bigintOf } from '../../database.js';
import { codeOf } from '../../test/finance-stage.js';
import { lotsOf, stateOf } from '../history-texts.js';
import { sessionOf, tipsOf } from '../simulator/judge.js';
import { judgeRefunds, type Refund } from '../simulator/refunds.js';
import { ROOM, type Site } from './site.js';
import { Witness } from './witness.js';

const SHARE_BPS = 6_000;
const TARIFF = { ...perMinute(12_000n, SHARE_BPS), minCharge: 700n };
const BOUGHT = 9_000n;
const BONUS = 1_500n;
/** Any other refusal or fault is a problem. */
const REFUSALS = [
  ...['BILLING_KEY_CONFLICT', 'BILLING_REFUND_LIMIT'],
  ...['BILLING_STATE_CONFLICT', 'BILLING_SUBJECT_UNKNOWN'],
];

let runs = 0;

/** @returns a run whose viewer has bought credits */
export async function newRun(site: Site): Promise<Run> {
  runs += 1;
  const witness = new Witness(site.stage.clock, ROOM);
  site.court.witness = witness;
  const run = new Run(site, witness, runs);
  await run.buy();
  return run;
}

export class Run {
  readonly wallet: string;
  private readonly payee: string;
  private readonly shard: number;
  private readonly begun: Promise<unknown>[] = [];
  private readonly refunds = new Map<string, Refund>();
  /** By key. */
  private readonly granted = new Map<string, bigint>();

  constructor(
    private readonly site: Site,
    readonly witness: Witness,
    private readonly number: number,
  ) {
    this.wallet = String(100_000 + number);
    this.payee = String(900_000 + number);
    this.shard = shardOfWallet(this.wallet);
  }

  get isScheduled(): boolean {
    return this.site.steps.scheduler !== undefined;
  }

  /** Goes on while other calls begin. */
  begin(work: () => Promise<unknown>): Promise<unknown> {
    const call = codeOf(work()).then((code) => {
      if (code !== 'done' && !REFUSALS.includes(code)) this.witness.problems.push(code);
    });
    this.begun.push(call);
    return call;
  }

  async buy(): Promise<void> {
    await this.at(0).finance.purchases.capture({
      ...{ key: this.key('buy'), provider: 'stripe', paymentRef: this.key('pi') },
      ...{ userId: this.wallet, amountMilli: String(BOUGHT), bonusMilli: String(BONUS) },
      ...{ fiatMinor: 800, currency: 'EUR' },
    });
  }

  passTime(ms: number): void {
    this.site.stage.clock.advance(ms);
  }

  open(at: number, key: number): Promise<unknown> {
    return this.at(at).engine.open({
      sessionId: newSessionId(this.shard, this.site.stage.clock.nowMs()),
      ...{ wallet: this.wallet, room: ROOM, payee: this.payee, tariff: tariffText(TARIFF) },
      ...{ entryMs: 1_000, key: this.key(`open-${key}`), fingerprint: '0123456789abcdef' },
    });
  }

  async touch(at: number): Promise<void> {
    const { show } = this.witness;
    if (show !== undefined) await this.at(at).engine.touch(this.shard, [[show.id, 'g']]);
  }

  async end(at: number): Promise<void> {
    const { show } = this.witness;
    if (show !== undefined) await this.at(at).engine.end(show.id, 'left');
  }

  sweep(at: number): Promise<unknown> {
    return this.at(at).engine.sweep(this.shard, { limit: 100, isSuspended: false });
  }

  tip(at: number, key: number, amount: bigint): Promise<unknown> {
    return this.at(at).engine.tip({
      ...{ wallet: this.wallet, room: ROOM, payee: this.payee, amount, bps: SHARE_BPS },
      ...{ tipId: newSessionId(this.shard, this.site.stage.clock.nowMs()) },
      ...{ key: this.key(`tip-${key}`), fingerprint: String(amount).padStart(16, '0') },
    });
  }

  async grant(at: number, key: number, amount: bigint): Promise<void> {
    const idemKey = this.key(`grant-${key}`);
    await this.at(at).funder.grant({
      ...{ idemKey, fingerprint: String(amount).padStart(16, '0'), wallet: this.wallet, amount },
      ...{ reason: 'test', actor: 'tester' },
    });
    const before = this.granted.get(idemKey);
    if (before !== undefined && before !== amount) this.problem(`I5: ${idemKey} was taken twice`);
    this.granted.set(idemKey, amount);
  }

  settle(at: number): Promise<unknown> {
    return this.at(at).settler.drain();
  }

  /** As the poller does: what SQL has and Redis lacks. */
  apply(at: number): Promise<unknown> {
    return this.at(at).funder.apply(this.wallet);
  }

  /** @param of a place among the tips, counted from the last; absent = the show */
  async refund(
    at: number,
    key: number,
    { of, amountMilli }: { of?: number; amountMilli?: bigint },
  ): Promise<void> {
    const tipId = of === undefined ? undefined : [...this.witness.tipIds.values()].at(-1 - of);
    const sessionId = this.witness.show?.id;
    const source = of === undefined ? sessionId && { sessionId } : tipId && { tipId };
    if (!source) return;
    const name = this.key(`refund-${key}`);
    const asked: Refund = this.refunds.get(name) ?? { source };
    this.refunds.set(name, asked);
    const people = { reason: 'test', actor: 'admin:1', approver: 'admin:2' };
    const amount = amountMilli === undefined ? {} : { amountMilli: String(amountMilli) };
    const reply = await this.at(at)
      .finance.refunds.give({ key: name, ...source, ...amount, ...people })
      .catch((thrown: unknown) => {
        asked.answer ??= 'refused';
        throw thrown;
      });
    const { refundId } = reply;
    const given = BigInt(reply.amountMilli);
    if (given !== (amountMilli ?? given)) this.problem(`I11: ${name} gave ${given}`);
    const known = typeof asked.answer === 'object' ? asked.answer.refundId : refundId;
    if (known !== refundId) this.problem(`I5: ${name} was answered ${known} and ${refundId}`);
    asked.answer = { refundId, amountMilli: given };
  }

  /** When nothing goes on any more: ends and settles all. @returns what does not hold */
  async judge(): Promise<readonly string[]> {
    await Promise.all(this.begun);
    await this.end(0);
    for (const { settler, funder } of this.site.processes) {
      await settler.drain();
      await funder.apply(this.wallet);
    }
    await this.judgeWallet();
    await this.judgeBooks();
    return this.witness.problems;
  }

  /** I2, I9, I10: what Redis has is what the model has, lot by lot. */
  private async judgeWallet(): Promise<void> {
    const { wallet } = this.witness;
    const { cash, debt, lots } = await this.at(0).engine.readLots(this.wallet);
    const due = [wallet.cash, ...lotsOf(wallet)].map(({ id, amount }) => `${id}:${amount}`);
    const found = [`:${cash}`, ...lots.map(({ id, amount }) => `${id}:${amount}`)];
    if (String(found) !== String(due)) this.problem(`I10: ${String(found)}, due ${String(due)}`);
    if (debt !== wallet.debt || wallet.held() !== 0n) this.problem(`I9: ${stateOf(wallet)}`);
  }

  /** I3, I4, I12: shows; I5, I7: tips; I11: refunds; I6: the wallet; I13: the model's earnings. */
  private async judgeBooks(): Promise<void> {
    const { database } = this.site.stage;
    const { model, wallet, tipIds } = this.witness;
    const costs = new Map<string, bigint>();
    for (const { id, billable, charged } of model.sessions) {
      const { billMs, cost, isEnded } = await sessionOf(database, id);
      const isRight = billMs === billable && cost === charged && cost === costOf(TARIFF, billMs);
      if (!isRight || !isEnded) this.problem(`I3: ${id} paid ${cost} of ${charged}`);
      costs.set(id, cost);
    }
    const booked = await tipsOf(database, this.wallet);
    if (booked.size !== tipIds.size) this.problem(`I7: ${booked.size} of ${tipIds.size} tips`);
    for (const [key, id] of tipIds) {
      const [due, found] = [wallet.tips.get(key)?.amount, booked.get(key)];
      const isRight = found?.id === id && found.amount === due && found.times === 1;
      if (!isRight) this.problem(`I5: tip ${key} is booked ${found?.amount} × ${found?.times}`);
      costs.set(id, due ?? 0n);
    }
    const viewer = { id: this.wallet, refunds: this.refunds };
    const back = await judgeRefunds(database, viewer, costs, SHARE_BPS);
    back.problems.forEach((one) => this.problem(one));
    const given = [...this.granted.values()].reduce((sum, one) => sum + one, BOUGHT + BONUS);
    const spent = [...costs.values()].reduce((sum, one) => sum + one, 0n);
    const due = given - spent + back.viewerMilli;
    if (wallet.owned() !== due) this.problem(`I6: ${wallet.owned()} are left, ${due} are due`);
    const shares = [...costs.values()].map((one) => payeeShare(one, SHARE_BPS));
    const earned = shares.reduce((sum, one) => sum + one, -back.payeeMilli);
    const [row] = await database.query(
      `SELECT COALESCE(SUM(credits - debits), 0) AS earned FROM account
       WHERE kind = 'earnings' AND owner_ref = ?`,
      [this.payee],
    );
    const found = bigintOf(row, 'earned');
    if (found !== earned) this.problem(`I13: the model has ${found}, due ${earned}`);
  }

  private problem(text: string): void {
    this.witness.problems.push(text);
  }

  private at(process: number) {
    return this.site.processes[process === 0 ? 0 : 1];
  }

  private key(name: string): string {
    return `run-${this.number}-${name}`;
  }
}
