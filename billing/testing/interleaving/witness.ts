// Sees every script that a run calls, in the order in which Redis runs them, does the same to the
// reference model and compares what is answered: no interleaving may give an answer that the rules
// do not. One viewer, one room.
import type { Clock } from '../../../cluster/index.js';
import { Engine, type EngineOptions } from '../../engine.js';
import type { WalletState } from '../../scripts.js';
import { parseTariff } from '../../tariff.js';
import { inModel, listOf, stateOf, verdictOf } from '../history-texts.js';
import type { Lot } from '../amounts.js';
import { FOREVER, Model, type Session, Wallet } from '../model.js';

type Asked<Name extends 'open' | 'touch' | 'end' | 'tip' | 'fund' | 'sweep'> = Parameters<
  Engine[Name]
>;

export class Witness {
  readonly problems: string[] = [];
  readonly model: Model;
  readonly wallet: Wallet;
  /** By key, of tips that were taken. */
  readonly tipIds = new Map<string, string>();
  private readonly lots = new Map<string, Lot>();
  /** What the same key must be answered again. */
  private readonly opened = new Map<string, string>();

  constructor(
    private readonly clock: Clock,
    readonly room: string,
  ) {
    this.model = new Model(BigInt(clock.nowMs()));
    this.wallet = new Wallet(this.model.today);
    this.model.live.add(room);
  }

  get show(): Session | undefined {
    return this.model.sessions.at(-1);
  }

  async open([args]: Asked<'open'>, ask: () => ReturnType<Engine['open']>) {
    const { key, sessionId, tariff, room } = args;
    this.tick();
    const known = this.opened.get(key);
    const due =
      known ?? this.model.open(sessionId, this.wallet, room, inModel(parseTariff(tariff)));
    this.opened.set(key, due.replace('opened', 'joined'));
    const reply = await ask();
    const verb = reply.isDuplicate ? 'joined' : 'opened';
    const found = reply.status === 'OK' ? `${verb} ${reply.sessionId}` : reply.status;
    this.compare(`open ${key}`, due, found, reply.wallet);
    return reply;
  }

  async touch([, items]: Asked<'touch'>, ask: () => ReturnType<Engine['touch']>) {
    this.tick();
    const due = items.map(([id]) => this.session(id)?.touch() ?? 'unknown');
    const rows = await ask();
    rows.forEach((row, at) => this.compare('touch', due[at] ?? '', verdictOf(row), row));
    return rows;
  }

  async end([id, reason]: Asked<'end'>, ask: () => ReturnType<Engine['end']>) {
    this.tick();
    const session = this.session(id);
    const verdict = session?.prove(reason) ?? 'unknown';
    const reply = await ask();
    const found = `${reply.wasEnded ? 'ended' : 'cut'} ${reply.reason}`;
    const due = `${verdict} ${session?.charged} ${session?.billable}`;
    this.compare('end', due, `${found} ${reply.charged} ${reply.billMs}`, reply);
    return reply;
  }

  async tip([{ key, amount, tipId }]: Asked<'tip'>, ask: () => ReturnType<Engine['tip']>) {
    this.tick();
    const due = this.wallet.tip(key, amount);
    if (due === 'OK' && !this.tipIds.has(key)) this.tipIds.set(key, tipId);
    const id = due === 'OK' ? this.tipIds.get(key) : '';
    const reply = await ask();
    const found = `${reply.status} ${reply.status === 'OK' ? reply.tipId : ''}`;
    this.compare(`tip ${key}`, `${due} ${id}`, found, reply.wallet);
    return reply;
  }

  async fund([args]: Asked<'fund'>, ask: () => ReturnType<Engine['fund']>) {
    const { cmdSeq, kind, amount, lot } = args;
    this.tick();
    const due = this.wallet.fund(cmdSeq, {
      ...{ kind, amount },
      ...(lot === undefined ? {} : { lot: this.lot(lot) }),
    });
    const reply = await ask();
    this.compare(`fund ${cmdSeq}`, due, reply.status, reply.wallet);
    return reply;
  }

  async sweep(_: Asked<'sweep'>, ask: () => ReturnType<Engine['sweep']>) {
    this.tick();
    const open = this.model.sessions.filter(({ ended }) => ended === '');
    const due = listOf(open.map((one) => ({ id: one.id, verdict: one.sweep() })));
    const reply = await ask();
    const cuts = reply.notices.filter((one) => one.kind === 'cut' && this.session(one.sessionId));
    const found = cuts.map((one) => `${one.sessionId} cut ${one.reason}`).join();
    if (found !== due) this.problems.push(`sweep: scripts "${found}", model "${due}"`);
    return reply;
  }

  private session(id: string): Session | undefined {
    return this.model.sessions.find((one) => one.id === id);
  }

  private lot(text: string): Lot {
    const [id = '', expires = '0', priority = '0', scope] = text.split(' ');
    const lot = this.lots.get(id) ?? {
      ...{ id, priority: BigInt(priority), scope: scope === '0' ? 'any' : 'shows', amount: 0n },
      expires: expires === '0' ? FOREVER : BigInt(expires),
    };
    this.lots.set(id, lot);
    return lot;
  }

  private tick(): void {
    this.model.tick(BigInt(this.clock.nowMs()));
  }

  private compare(
    what: string,
    due: string,
    found: string,
    { owned, held }: Pick<WalletState, 'owned' | 'held'>,
  ): void {
    const [seen, wanted] = [`${found} ${owned} ${held}`, `${due} ${stateOf(this.wallet)}`];
    if (seen !== wanted) this.problems.push(`${what}: scripts "${seen}", model "${wanted}"`);
  }
}

/** Whoever sees the run that goes on now. */
export interface Court {
  witness: Witness;
}

/** An engine of which a witness sees each call. */
export class WitnessedEngine extends Engine {
  constructor(
    options: EngineOptions,
    private readonly court: Court,
  ) {
    super(options);
  }

  override open(...asked: Asked<'open'>) {
    return this.court.witness.open(asked, () => super.open(...asked));
  }

  override touch(...asked: Asked<'touch'>) {
    return this.court.witness.touch(asked, () => super.touch(...asked));
  }

  override end(...asked: Asked<'end'>) {
    return this.court.witness.end(asked, () => super.end(...asked));
  }

  override tip(...asked: Asked<'tip'>) {
    return this.court.witness.tip(asked, () => super.tip(...asked));
  }

  override fund(...asked: Asked<'fund'>) {
    return this.court.witness.fund(asked, () => super.fund(...asked));
  }

  override sweep(...asked: Asked<'sweep'>) {
    return this.court.witness.sweep(asked, () => super.sweep(...asked));
  }
}
