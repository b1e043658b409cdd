// Long work gives way to what is waited for.
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { TURN_MS, Turns, type TurnsOptions } from '../turns.js';

interface Bench {
  readonly turns: Turns;
  /** `*` for a piece of one ms, `|` for a turn of the event loop. */
  readonly log: string[];
  readonly pausesMs: number[];
  /** So many pieces. */
  readonly work: (pieces: number, msEach?: number) => Promise<void>;
  /** Until `done`, once a turn. */
  readonly watch: (done: Promise<unknown>) => Promise<void>;
}

/** Time passes by work alone. */
function bench(options: Pick<TurnsOptions, 'isWaitedFor'> = {}): Bench {
  let nowMs = 0;
  const log: string[] = [];
  const pausesMs: number[] = [];
  const turns = new Turns({
    ...options,
    nowMs: () => nowMs,
    later(work, ms) {
      pausesMs.push(ms);
      setImmediate(work);
    },
  });
  return {
    ...{ turns, log, pausesMs },
    work: (pieces, msEach = 1) =>
      turns.each(Array.from({ length: pieces }), 1, () => {
        log.push('*');
        nowMs += msEach;
      }),
    async watch(done) {
      const over = done.then(() => true);
      while (!(await Promise.race([over, turn(false)]))) log.push('|');
    },
  };
}

t.test('of each turn all callers together get their share, everything else the rest', async (t) => {
  const { work, watch, log } = bench();
  const watching = watch(turn().then(() => Promise.all([work(5), work(7), work(3)])));
  await watching;
  const perTurn = log.join('').split('|');
  t.equal(perTurn.join('').length, 15, 'all is done');
  t.ok(
    perTurn.every((pieces) => pieces.length <= TURN_MS),
    log.join(''),
  );
});

t.test('while somebody waits, a pause as long as the work follows each turn', async (t) => {
  let isWaitedFor = true;
  const { work, pausesMs } = bench({ isWaitedFor: () => isWaitedFor });
  await work(6);
  t.same(pausesMs, [2, 2], 'between the three turns');
  await work(1, 9);
  t.equal(pausesMs.at(-1), 2);
  await work(1);
  t.equal(pausesMs.at(-1), 9, 'a long piece is followed by a long pause');
  isWaitedFor = false;
  const before = pausesMs.length;
  await work(20);
  t.ok(pausesMs.length <= before + 1, 'no pause when nobody waits');
});

t.test('a piece that fails is its caller’s matter', async (t) => {
  const { turns, work } = bench();
  const broken = turns.run(() => {
    throw new Error('no such row');
  });
  const others = work(9);
  await t.rejects(broken, { message: 'no such row' });
  await others;
});
