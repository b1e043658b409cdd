// The real billing for tests of the site: engine, settler and API on a redis-server of its own and
// a mariadbd that the site shares, asked through the site's own ports. A proxy in between takes it
// away. Used by site-fixture.ts and by tests, which look at the ledger with it.
import {
  startTcpProxy,
  until,
  type TestMariadb,
  type TestScope,
} from '../../cluster/testing/index.js';
import { BillingClient, TOPICS } from '../../billing/index.js';
import { parseTariff, type Tariff } from '../../billing/tariff.js';
import { callerTo, type RoleStage, startRole } from '../../billing/test/role-stage.js';
import { createAskBilling, createBillingPort } from '../billing-port.js';
import { createFinancePort, type Finance } from '../finance-port.js';
import type { Billing } from '../ports.js';
import type { Browser, SiteFixture } from './site-fixture.js';

/** Room terms as they stand in billing's database. */
export interface StoredTerms {
  readonly performerId: string;
  readonly streamId: string;
  readonly priceMilliPerMin: bigint;
  readonly isActive: boolean;
  readonly tariff: Tariff;
}

export interface MoneyStage {
  readonly mariadb: TestMariadb;
  readonly ports: { readonly billing: Billing; readonly finance: Finance };
  /** Billing's client beside the site: it works while the site cannot reach billing. */
  readonly client: BillingClient;
  /** Everything that billing had to say to people. */
  readonly said: RoleStage['said'];
  /** Until `back`, the site cannot reach billing. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** Gives credits, as an admin does. */
  fund(userId: string, amountMilli: bigint): Promise<void>;
  balanceOf(userId: string): Promise<bigint>;
  termsOf(roomId: string): Promise<StoredTerms | undefined>;
  /** The key that opens the stream now. */
  keyOf(streamId: string): Promise<string | undefined>;
  /** Tells billing that the stream is on the air. */
  air(streamId: string): Promise<void>;
  /** Rows of billing's own database. */
  rows(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Changes billing's own database: the past is made that way. @returns rows changed */
  change(sql: string, values: readonly unknown[]): Promise<number>;
  /** Resolves when the tip or session stands in the ledger. */
  settled(table: 'tip' | 'session', id: string): Promise<void>;
}

/** Longer than any test file takes: nobody here proves that paid sessions are alive. */
const PATIENT = { BILLING_UPDATE_INTERVAL_MS: '120000', BILLING_GRACE_MS: '5000' };

let grants = 0;

/** A show with a ticket of 30 credits, bought, seen and settled. @returns its session */
export async function watchTicketShow(
  money: MoneyStage,
  scene: { fixture: SiteFixture; model: Browser; viewer: Browser; streamId: string },
): Promise<string> {
  const { fixture, model, viewer, streamId } = scene;
  await model.patch('/api/v1/model/room', { showType: 'ticket', ticketMilli: '30000' });
  fixture.air(streamId, true);
  await fixture.site.live.look();
  await money.air(streamId);
  const entered = await viewer.post('/api/v1/rooms/mira/enter', { accept: true });
  const { sessionId } = entered.json<{ sessionId: string }>();
  await money.client.endSession({ sessionId, reason: 'show_ended' });
  const isSettled = async (): Promise<boolean> => {
    const [row] = await money.rows('SELECT * FROM session WHERE id = ?', [sessionId]);
    return Number(row?.['settled_cost']) === 30_000 && row?.['ended_ms'] !== null;
  };
  await until(isSettled, { what: 'the show is settled', ...PATIENCE });
  return sessionId;
}

/** One for each test file. */
export async function startMoney(
  t: TestScope,
  env: Record<string, string> = {},
): Promise<MoneyStage> {
  const stage = await startRole(t, { ...PATIENT, ...env });
  const { mariadb, client, database, said } = stage;
  const proxy = await startTcpProxy(t, { targetPort: Number(new URL(stage.base).port) });
  const caller = callerTo(`http://${proxy.host}:${proxy.port}`);
  t.teardown(() => caller.close());
  const ask = createAskBilling(() => new BillingClient(caller));
  const rows: MoneyStage['rows'] = (sql, values) => database.query(sql, values);
  return {
    ...{ mariadb, client, said, rows },
    ports: { billing: createBillingPort(ask), finance: createFinancePort(ask) },
    away: () => proxy.refuse(),
    back: () => proxy.heal(),
    async fund(userId, amountMilli) {
      grants += 1;
      const grant = { userId, amountMilli, reason: 'test', actor: 'admin:1' };
      await client.grant({ key: `stage-grant-${grants}`, ...grant });
    },
    balanceOf: async (userId) => (await client.getWallet(userId)).balance,
    async termsOf(roomId) {
      const [row] = await rows('SELECT * FROM room_terms WHERE room = ?', [roomId]);
      return row && toStored(row);
    },
    async keyOf(streamId) {
      const live = 'SELECT key_hash FROM stream_key WHERE stream_id = ? AND revoked_ms IS NULL';
      const [row] = await rows(live, [streamId]);
      return row && String(row['key_hash']);
    },
    air: (streamId) =>
      stage.bus.publish(
        TOPICS.streamState,
        JSON.stringify({ streamId, state: 'live', node: 'rtmp-1' }),
      ),
    change: (sql, values) => database.run(sql, values),
    async settled(table, id) {
      const found = async () => (await rows(`SELECT id FROM ${table} WHERE id = ?`, [id])).length;
      await until(async () => (await found()) === 1, { what: `${table} is settled`, ...PATIENCE });
    },
  };
}

const PATIENCE = { deadlineMs: 60_000 };

function toStored(row: Record<string, unknown>): StoredTerms {
  return {
    performerId: String(row['performer']),
    streamId: String(row['stream_id']),
    priceMilliPerMin: BigInt(String(row['price_milli_per_min'])),
    isActive: Number(row['is_active']) === 1,
    tariff: parseTariff(String(row['tariff'])),
  };
}
