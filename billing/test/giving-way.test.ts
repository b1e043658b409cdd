// The settler gives way to those who wait for an answer of its process.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { freePortRange } from '../../cluster/index.js';
import { silentLog, until } from '../../cluster/testing/index.js';
import { Settler } from '../settler.js';
import { ALL_SHARDS, shardOfWallet } from '../shard.js';
import { startRole } from './role-stage.js';
import { grant, mismatches, startLedger, tip } from './stage.js';

/** Long enough for a transaction that may begin meanwhile. */
const TURNS_HELD = 200;

/** The most transactions that were between their commit and their trim at once. */
async function drainCounting(
  stage: Awaited<ReturnType<typeof startLedger>>,
  options: { isWaitedFor: boolean; hold: (most: () => number) => Promise<unknown> },
): Promise<{ most: number; rows: number }> {
  let inside = 0;
  let most = 0;
  const { redis, engine, database, metrics, clock } = stage;
  const settler = new Settler({
    ...{ redis, engine, database, metrics, clock, log: silentLog },
    isWaitedFor: () => options.isWaitedFor,
    async beforeTrim() {
      inside += 1;
      most = Math.max(most, inside);
      await options.hold(() => most);
      inside -= 1;
    },
  });
  const rows = await settler.drain();
  return { most, rows };
}

t.test('while somebody waits, one transaction is under way at a time', async (t) => {
  const stage = await startLedger(t);
  const ids = Array.from({ length: 2_000 }, (_, at) => String(at + 1));
  const wallets = ALL_SHARDS.slice(0, 40).map(
    (shard) => ids.find((id) => shardOfWallet(id) === shard) ?? '',
  );
  const tipAll = (key: string) =>
    Promise.all(wallets.map((wallet) => tip(stage, { key, amount: 10n, wallet })));
  await Promise.all(wallets.map((wallet) => grant(stage, wallet, 1_000n)));
  await stage.settler.drain();
  await tipAll('tip-key-1');
  const alone = await drainCounting(stage, {
    isWaitedFor: false,
    hold: (most) => until(() => most() > 1, { what: 'a second transaction' }),
  });
  t.ok(alone.most > 1, 'when nobody waits, several are');
  await tipAll('tip-key-2');
  const inCompany = await drainCounting(stage, {
    isWaitedFor: true,
    async hold() {
      for (let turns = 0; turns < TURNS_HELD; turns += 1) await turn();
    },
  });
  t.equal(inCompany.most, 1);
  t.equal(inCompany.rows, alone.rows, 'all is booked either way');
  t.same(await mismatches(stage), []);
});

async function begin(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /hooks/nginx-rtmp/on_play_done HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\n',
  );
  return socket;
}

t.test('a call is waited for until its answer, or until its caller is gone', async (t) => {
  const hookPort = await freePortRange(1);
  const { role, base } = await startRole(t, { BILLING_HOOK_PORT: String(hookPort) });
  const is = (isWaitedFor: boolean, what: string) =>
    until(() => role.isWaitedFor === isWaitedFor, { what });
  t.equal(role.isWaitedFor, false);
  for (const port of [Number(new URL(base).port), hookPort]) {
    const patient = await begin(port);
    await is(true, 'the first byte');
    patient.write('a=b&c');
    await once(patient, 'data');
    await is(false, 'the answer');
    patient.destroy();
    const gone = await begin(port);
    await is(true, 'the first byte of the second');
    gone.destroy();
    await is(false, 'the end of the second');
    t.pass(`port ${port === hookPort ? 'of HTTP/1.0' : 'of all'}`);
  }
});
