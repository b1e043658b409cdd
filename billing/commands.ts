// The commands of billing's command line. They take the same environment as the role and need none
// of the other processes. What changes something stands in the audit log, under the user of this
// machine. Exit code 0, 1 when something does not add up or was refused, 2 on misuse. cli.ts runs
// them.
import { userInfo } from 'node:os';
import {
  AppError,
  closeRedis,
  connectRedis,
  createLogger,
  type Clock,
  createMetrics,
  type Config,
  type Logger,
  type RedisClient,
  systemClock,
} from '../cluster/index.js';
import { Database, type Sql, textOf } from './database.js';
import { drill } from './drill.js';
import { Engine } from './engine.js';
import { Fence } from './fence.js';
import { recordAudit } from './finance/audit.js';
import { FINANCE_COMMANDS, type FinanceCommand } from './finance/commands.js';
import { createFinance } from './finance/finance.js';
import { Funder } from './funder.js';
import { grantsFor } from './grants.js';
import { billingMetrics, type BillingMetrics } from './metrics.js';
import { migrate } from './migrator.js';
import { Reconciler } from './reconcile.js';
import { Settler } from './settler.js';
import { ALL_SHARDS, shardKeys } from './shard.js';
import { timingOf } from './tariff.js';
import { TermsStore } from './terms.js';

interface Tools {
  readonly redis: RedisClient;
  readonly database: Database;
  readonly engine: Engine;
  readonly fence: Fence;
  readonly settler: Settler;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly print: Print;
}

type Command = (tools: Tools, args: readonly string[]) => Promise<number>;
/** Where lines for the user go. */
export type Print = (line: string) => void;

const SHOW_LIMIT = /^(default|\d{1,6})$/;
const ROOM_ID = /^[1-9]\d{0,18}$/;
const SHARD = /^\d{1,2}$/;

const COMMANDS: Readonly<Record<string, { usage: string; run: Command }>> = {
  reconcile: {
    usage: 'reconcile            compare every wallet in Redis with the ledger',
    run: async ({ engine, database, metrics, log, settler, print }) => {
      await settler.drain();
      const { wallets, mismatches, skipped } = await new Reconciler({
        ...{ engine, database, metrics, log },
      }).run();
      for (const one of mismatches) print(JSON.stringify(one));
      for (const shard of skipped) print(`shard ${shard} was not compared: it is not settled`);
      print(`${wallets} wallets, ${mismatches.length} mismatches`);
      return mismatches.length + skipped.length === 0 ? 0 : 1;
    },
  },
  'show-limit': {
    usage:
      'show-limit <room> <seconds|default> --reason …  the longest show of a room; 0 = no limit',
    run: async (tools, args) => {
      const { database, clock, print } = tools;
      const { words, reason } = parseDeed(args);
      const [room = '', limit = ''] = words;
      if (!SHOW_LIMIT.test(limit) || !ROOM_ID.test(room) || reason === undefined) {
        return misuse(print, 'show-limit <room> <seconds|default> --reason …');
      }
      const maxMs = limit === 'default' ? undefined : Number(limit) * 1_000;
      const deed = { action: 'show_limit', subject: `room:${room}`, detail: `${limit}: ${reason}` };
      await database.transaction('READ COMMITTED', async (sql) => {
        await new TermsStore(database, clock).putShowLimit(room, maxMs, sql);
        await record(sql, tools, deed);
      });
      print(`room ${room}: ${limit === 'default' ? 'as the site has it' : `${limit} s`}`);
      return 0;
    },
  },
  rebuild: {
    usage:
      'rebuild [shard …] --reason …  throw shards of Redis away and restore them from the ledger',
    run: async (tools, args) => {
      const { redis, database, fence, settler, print } = tools;
      const { words, reason } = parseDeed(args);
      const shards = words.length === 0 ? ALL_SHARDS : words.map(Number);
      if (shards.some((shard) => !ALL_SHARDS.includes(shard)))
        return misuse(print, 'shards are 0…63');
      if (reason === undefined) return misuse(print, 'rebuild [shard …] --reason …');
      // Before it begins: what it throws away cannot be written down in one step with it.
      const which = words.length === 0 ? 'all' : shards.join(' ');
      const deed = { action: 'rebuild', subject: 'shards', detail: `${which}: ${reason}` };
      await record(database, tools, deed);
      await settler.drain().catch(() => 0);
      for (const shard of shards) await redis.unlink(shardKeys(shard).meta);
      await fence.lift();
      print(`${shards.length} shards restored`);
      return 0;
    },
  },
  drill: {
    usage: 'drill <wallet>       print both journals of one wallet',
    run: async (tools, [wallet]) => {
      if (wallet === undefined || !/^[1-9]\d{0,18}$/.test(wallet))
        return misuse(tools.print, 'drill <wallet>');
      for (const line of await drill(tools, wallet)) tools.print(line);
      return 0;
    },
  },
  grants: {
    usage: "grants <'user'@'host'> print what the SQL user of a running role needs, and no more",
    run: async ({ database, print }, [account]) => {
      if (account === undefined || !/^'[\w-]{1,32}'@'[\w.%:-]{1,64}'$/.test(account))
        return misuse(print, "grants 'user'@'host'");
      for (const line of await grantsFor(database, account)) print(line);
      return 0;
    },
  },
  unpark: {
    usage: 'unpark <shard> --reason …  let the settler try a parked shard again',
    run: async (tools, args) => {
      const { words, reason } = parseDeed(args);
      const shard = words[0] ?? '';
      if (!SHARD.test(shard) || !ALL_SHARDS.includes(Number(shard)))
        return misuse(tools.print, 'shards are 0…63');
      if (reason === undefined) return misuse(tools.print, 'unpark <shard> --reason …');
      const released = await unpark(tools, { shard, reason });
      tools.print(`${released} shard released`);
      return 0;
    },
  },
};

/** Release and record are one transaction; a shard that was not parked leaves no record. */
async function unpark(
  tools: Tools,
  { shard, reason }: { shard: string; reason: string },
): Promise<number> {
  return tools.database.transaction('READ COMMITTED', async (sql) => {
    const [row] = await sql.query('SELECT parked FROM shard_cursor WHERE shard = ? FOR UPDATE', [
      shard,
    ]);
    const parked = textOf(row, 'parked');
    if (parked === '') return 0;
    await sql.run('UPDATE shard_cursor SET parked = NULL WHERE shard = ?', [shard]);
    const detail = `${reason}; it was parked: ${parked}`;
    await record(sql, tools, { action: 'unpark', subject: `shard:${shard}`, detail });
    return 1;
  });
}

/** Words, and what stands after --reason; an empty reason is none. */
function parseDeed(args: readonly string[]): { words: readonly string[]; reason?: string } {
  const at = args.indexOf('--reason');
  if (at < 0) return { words: args };
  const reason = args[at + 1]?.trim() ?? '';
  const words = [...args.slice(0, at), ...args.slice(at + 2)];
  return reason === '' ? { words } : { words, reason };
}

async function record(
  sql: Sql,
  { clock }: Tools,
  deed: { action: string; subject: string; detail: string },
): Promise<void> {
  await recordAudit(sql, { ...deed, actor: `cli:${userName()}`, atMs: clock.nowMs() });
}

/** Of this machine; a container may have a user without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

function misuse(print: Print, problem: string): number {
  print(`billing: ${problem}`);
  const all = [...Object.values(COMMANDS), ...Object.values(FINANCE_COMMANDS)];
  for (const one of all) print(`  ${one.usage}`);
  return 2;
}

async function openTools(config: Config, print: Print): Promise<Tools> {
  const level = config.log.level === 'info' ? 'warn' : config.log.level;
  const log = createLogger({ role: 'billing-cli', nodeId: config.node.id, level });
  const metrics = billingMetrics(createMetrics('billing-cli', { process: false }));
  const { billingUrl } = config.redis;
  const redis = await connectRedis(billingUrl, { role: 'money', name: 'billing-cli', log });
  const database = await Database.open(config.mysql.url, { poolMax: 4, log });
  await migrate(database, log);
  const timing = timingOf(config.billing);
  const base = { redis, database, metrics, log, clock: systemClock };
  const fence = new Fence({ ...base, maxGapMs: timing.maxGapMs });
  const engine = new Engine({ redis, fence, timing, metrics });
  return { ...base, print, fence, engine, settler: new Settler({ ...base, engine }) };
}

/** Prints the answer, or the refusal as the API would answer it. */
async function runFinance(
  command: FinanceCommand,
  tools: Tools,
  { config, args }: { config: Config; args: readonly string[] },
): Promise<number> {
  const { engine, print } = tools;
  const funder = new Funder({ ...tools, onFunded: () => undefined });
  const finance = createFinance({
    ...{ ...tools, funder, settings: config.billing },
    endSession: (sessionId) => engine.end(sessionId, 'frozen'),
  });
  try {
    const answer = await command.run(finance, args);
    print(typeof answer === 'string' ? answer.trimEnd() : JSON.stringify(answer));
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    print(JSON.stringify(thrown.toBody()));
    return thrown.code === 'BILLING_BAD_REQUEST' ? 2 : 1;
  }
}

/** @returns the exit code */
export async function runCommand(
  args: readonly string[],
  options: { config: () => Config; print: Print },
): Promise<number> {
  const { print } = options;
  const [name = '', ...rest] = args;
  const command = COMMANDS[name];
  const finance = FINANCE_COMMANDS[name];
  if (command === undefined && finance === undefined) {
    return misuse(print, `unknown command "${name}"`);
  }
  const config = options.config();
  const tools = await openTools(config, print);
  try {
    if (command !== undefined) return await command.run(tools, rest);
    return finance === undefined ? 2 : await runFinance(finance, tools, { config, args: rest });
  } finally {
    await closeRedis(tools.redis);
    await tools.database.close();
  }
}
