// A proof of life goes the short way (lua/includes/plain.lua), from record to record, or the long
// way through the rules. Both must leave the same, by whichever build a record was written.
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import { shardKeys, shardOfWallet } from '../shard.js';
import { perMinute, tariffText, type Tariff } from '../tariff.js';
import { credit, goLive, open, type Stage, startStage } from './stage.js';

/** As builds before the short way packed: every number as small as it can be. */
const REPACK = `for key = 1, 2 do
  local packed = redis.call('HGET', KEYS[key], ARGV[key])
  redis.call('HSET', KEYS[key], ARGV[key], cmsgpack.pack(cmsgpack.unpack(packed)))
end`;
/** Record, wallet and due time as other scripts read them, without the wallet's id. */
const READ = `local s = cmsgpack.unpack(redis.call('HGET', KEYS[1], ARGV[1]))
s[1], s[33] = '-', s[33] and 'a price that follows'
return { cjson.encode(s), cjson.encode(cmsgpack.unpack(redis.call('HGET', KEYS[2], ARGV[2]))),
  redis.call('ZSCORE', KEYS[3], ARGV[1]) }`;

const BASE = perMinute(6_000n, 6_000);
const TARIFFS: readonly Tariff[] = [
  BASE,
  { ...BASE, price: 7_777n, freeMs: 20_000n, minCharge: 900n },
  { ...BASE, model: 'u', price: 2_500n, unitMs: 30_000n },
  { ...BASE, price: 0n },
  { ...BASE, price: 1_000_000_000n },
  { ...BASE, maxCost: 30_000n },
];

class Viewer {
  private constructor(
    private readonly stage: Stage,
    private readonly wallet: string,
    private readonly sessionId: string,
  ) {}

  static async enter(
    stage: Stage,
    { wallet, credits, ...show }: { wallet: string; credits: bigint; room: string; tariff: Tariff },
  ) {
    await credit(stage.engine, wallet, credits);
    const { sessionId } = await open(stage, { wallet, ...show });
    return new Viewer(stage, wallet, sessionId);
  }

  /** Two proofs of one session in a call always take the long way. */
  async touch(times: 1 | 2, source: 'g' | 'r') {
    const proofs = Array.from({ length: times }, () => [this.sessionId, source] as const);
    const rows = await this.stage.engine.touch(shardOfWallet(this.wallet), proofs);
    const { verdict, leftMs, owned, held, version } = rows[0] ?? {};
    return { verdict, leftMs, owned, held, version };
  }

  async repack(): Promise<void> {
    const { sess, bal } = shardKeys(shardOfWallet(this.wallet));
    await this.stage.redis.eval(REPACK, 2, sess, bal, this.sessionId, this.wallet);
  }

  /** The short way writes wider numbers. */
  size(): Promise<number> {
    return this.stage.redis.hstrlen(shardKeys(shardOfWallet(this.wallet)).sess, this.sessionId);
  }

  read(): Promise<unknown> {
    const { sess, bal, due } = shardKeys(shardOfWallet(this.wallet));
    return this.stage.redis.eval(READ, 3, sess, bal, due, this.sessionId, this.wallet);
  }
}

t.test('the short way leaves what the long way leaves, whoever wrote the record', async (t) => {
  const random = seededRandom(t);
  const below = (bound: number): number => random.int(0, bound - 1);
  const stage = await startStage(t);
  let shortWays = 0;
  for (const [at, tariff] of TARIFFS.entries()) {
    const room = String(at + 1);
    await goLive(stage, room);
    const credits = tariff.price > 1_000_000n ? 9_000_000_000_000n : BigInt(45_000 + below(40_000));
    const short = await Viewer.enter(stage, { wallet: `1${at}`, credits, room, tariff });
    const long = await Viewer.enter(stage, { wallet: `2${at}`, credits, room, tariff });
    const changeAt = below(60);
    for (let step = 0; step < 40; step += 1) {
      stage.clock.advance(below(10) === 0 ? below(35_000) : 5_000 + below(10_000));
      if (step === changeAt) {
        const changed = tariffText({ ...tariff, price: tariff.price / 2n + 1_000n });
        await stage.engine.setTariff({ room, tariff: changed, version: 1 });
      }
      if (below(3) === 0) await short.repack();
      const source = below(2) === 0 ? 'g' : 'r';
      const what = `${tariffText(tariff)}, proof ${step}`;
      t.same(await short.touch(1, source), await long.touch(2, source), what);
      t.same(await short.read(), await long.read(), `${what}: records`);
      if ((await short.size()) > (await long.size())) shortWays += 1;
    }
  }
  t.not(shortWays, 0, 'the short way was taken');
});
