// A tip out of plain cash goes the short way (lua/includes/plain-tip.lua), any other through the
// rules. Twins, one of whom has the short way closed, must be left the same by both.
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import type { FundKind } from '../scripts.js';
import { newSessionId, shardKeys, shardOfWallet } from '../shard.js';
import { type Bug, plant } from '../testing/planted-bug.js';
import { goLive, open, type Stage, START_MS, startStage } from './stage.js';

const CLOSED: Bug = ['the short way of tips is closed', 'last == #purse - 1', 'false'];
const DAY_MS = 86_400_000;
const ROOM = '7';
/** Wallet, shard counters, what the settler is told, and the key in both generations. */
const READ = `return { cjson.encode(cmsgpack.unpack(redis.call('HGET', KEYS[1], ARGV[1]))),
  redis.call('HMGET', KEYS[2], 'seq', 'clk', 'sum', 'idemDay', 'off'),
  redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1),
  redis.call('HGET', KEYS[4], ARGV[2]) or '-', redis.call('HGET', KEYS[5], ARGV[2]) or '-' }`;

interface Tip {
  readonly key: string;
  readonly amount: bigint;
  readonly tipId: string;
}

/** The only wallet of its shard, so that the counters of the shard are its own. */
class Twin {
  private cmdSeq = 0n;
  private readonly keys: ReturnType<typeof shardKeys>;

  constructor(
    private readonly stage: Stage,
    readonly wallet: string,
  ) {
    this.keys = shardKeys(shardOfWallet(wallet));
  }

  async tip({ key, amount, tipId }: Tip) {
    const { wallet } = this;
    const reply = await this.stage.engine.tip({
      ...{ wallet, room: ROOM, payee: '99', amount, bps: 6_000, tipId, key },
      fingerprint: amount.toString(16).padStart(16, '0'),
    });
    return { ...reply, ...reply.wallet };
  }

  async fund(kind: FundKind, amount: bigint, lot = '-'): Promise<void> {
    this.cmdSeq += 1n;
    const { wallet, cmdSeq } = this;
    await this.stage.engine.fund({ wallet, cmdSeq, kind, amount, lot });
  }

  async limit(perDay: bigint): Promise<void> {
    const { wallet, cmdSeq } = this;
    const none = { perShow: 0n, perMinute: 0n, perTip: 0n };
    await this.stage.engine.setLimits({ wallet, version: cmdSeq + 1n, perDay, ...none });
  }

  async read(key: string): Promise<string> {
    const { bal, meta, out, idem0, idem1 } = this.keys;
    const field = `t:${this.wallet}:${key}`;
    const all = [bal, meta, out, idem0, idem1, this.wallet, field];
    const text = JSON.stringify(await this.stage.redis.eval(READ, 5, all));
    return text.replaceAll(this.wallet, 'W').replace(/\bo \w{26}/, 'o of a session');
  }

  /** The short way writes wider numbers. */
  size(): Promise<number> {
    return this.stage.redis.hstrlen(this.keys.bal, this.wallet);
  }
}

t.test('the short way of a tip leaves what the rules leave', async (t) => {
  const random = seededRandom(t);
  const below = (bound: number): number => random.int(0, bound - 1);
  const stage = await startStage(t);
  await goLive(stage, ROOM);
  let shortWays = 0;
  for (let pair = 0; pair < 6; pair += 1) {
    stage.clock.advance(below(DAY_MS));
    const twins = [`100000${pair}`, `200000${pair}`].map((wallet) => new Twin(stage, wallet));
    const [short, long] = twins;
    if (short === undefined || long === undefined) throw new Error('no twins');
    t.not(shardOfWallet(short.wallet), shardOfWallet(long.wallet));
    const both = (work: (twin: Twin) => Promise<unknown>) => Promise.all(twins.map(work));
    await both((twin) => twin.fund('credit', 50_000n));
    if (pair % 2 === 1) await both(({ wallet }) => open(stage, { wallet }));
    const given: Tip[] = [];
    let owned = 50_000n;
    for (let step = 0; step < 40; step += 1) {
      const event = below(12);
      if (event === 0) await both((twin) => twin.fund('credit', 20_000n));
      if (event === 1) await both((twin) => twin.fund('debit', owned + 1_000n));
      const turned = below(2) === 0 ? 'freeze' : 'unfreeze';
      if (event === 2) await both((twin) => twin.fund(turned, 0n));
      if (event === 3) stage.clock.advance(below(2) === 0 ? below(DAY_MS) : below(1_000));
      if (event === 4) stage.clock.stepWall(-below(100_000));
      if (event === 5 && step > 20) {
        const lot = `${step} ${below(2) * (START_MS + 9 * DAY_MS)} 1 ${below(2)}`;
        await both((twin) => twin.fund('lot', 700n, lot));
      }
      if (event === 6 && step > 30) await both((twin) => twin.limit(9_000n));
      if (event === 7) {
        stage.clock.stepWall(-60_000);
        await both(({ wallet }) => open(stage, { wallet }));
        stage.clock.advance(below(2) * 120_000);
      }
      const old = given[below(40)];
      const tip = {
        key: old?.key ?? `tip-key-${pair}-${step}`,
        amount: below(4) === 0 ? owned - 1n + BigInt(below(3)) : BigInt(1 + below(3_000)),
        tipId: newSessionId(0, START_MS),
      };
      if (tip.amount < 1n) continue;
      given.push(tip);
      const what = `pair ${pair}, step ${step}`;
      const reply = await short.tip(tip);
      const restore = await plant(stage.redis, CLOSED);
      t.same(await long.tip(tip), reply, what);
      restore();
      t.equal(await short.read(tip.key), await long.read(tip.key), `${what}: records`);
      owned = reply.owned;
      if ((await short.size()) > (await long.size())) shortWays += 1;
    }
  }
  t.not(shortWays, 0, 'the short way was taken');
});
