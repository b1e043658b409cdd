// Balances are told at once, one at a time for each wallet, and the last word is the newest.
import t from 'tap';
import { createMemoryBus, createMetrics } from '../../cluster/index.js';
import { silentLog, until } from '../../cluster/testing/index.js';
import { Announcer } from '../announcer.js';
import { billingMetrics } from '../metrics.js';
import type { WalletState } from '../scripts.js';

const state = (version: number): WalletState => ({ owned: BigInt(version), held: 0n, version });

function startAnnouncer(fails = 0) {
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  let failures = fails;
  const nobody = () => Promise.resolve();
  const notifier = {
    ...{ tip: nobody, tipNote: nobody, priceChanged: nobody },
    ...{ cut: nobody, lowBalance: nobody, showOver: nobody },
    async balance(wallet: string, { version }: WalletState): Promise<void> {
      told.push(`${wallet}:${version}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
      failures -= 1;
      if (failures >= 0) throw new Error('away');
    },
  };
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const bus = createMemoryBus({ log: silentLog });
  const announcer = new Announcer({ notifier, bus, metrics, log: silentLog });
  return { announcer, told, answer: () => waiting.shift()?.() };
}

t.test('changes that come while a balance is being told are told as one', async (t) => {
  const { announcer, told, answer } = startAnnouncer();
  for (let version = 1; version <= 100; version += 1) announcer.balance('42', state(version));
  announcer.balance('42', state(99));
  announcer.balance('43', state(5));
  t.same(told, ['42:1', '43:5'], 'the first at once, and others do not wait for it');
  answer();
  await until(() => told.length === 3, { what: 'the newest to be told' });
  const flushed = announcer.flush();
  answer();
  answer();
  await flushed;
  t.same(told, ['42:1', '43:5', '42:100']);
});

t.test('a wallet that was told is told again', async (t) => {
  const { announcer, told, answer } = startAnnouncer();
  for (const version of [1, 2, 2]) {
    announcer.balance('42', state(version));
    answer();
    await announcer.flush();
  }
  t.same(told, ['42:1', '42:2', '42:2']);
});

t.test('what could not be told is tried again, then the newest follows', async (t) => {
  const { announcer, told, answer } = startAnnouncer(1);
  announcer.balance('42', state(1));
  announcer.balance('42', state(2));
  for (let calls = 1; calls <= 3; calls += 1) {
    await until(() => told.length === calls, { what: `call ${calls}` });
    answer();
  }
  await announcer.flush();
  t.same(told, ['42:1', '42:1', '42:2']);
});
