// Lists cost as many SQL statements for forty rows as for two. Statements are counted where they
// leave: at mysql2's own diagnostics channel.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createConnection } from 'mysql2/promise';
import t from 'tap';
import { until } from '../../cluster/testing/index.js';
import { SITE_SCHEMA } from '../db/schema.js';
import { startMoney } from './money-stage.js';
import { staff, startSite, type Browser } from './site-fixture.js';

const FEW = 2;
const MANY = 40;
/** Members of an answer that are lists. */
const listsOf = (body: object): number[] =>
  Object.values(body).flatMap((one) => (Array.isArray(one) ? [one.length] : []));

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, model, room } = await staff(fixture);
const viewer = fixture.browser();
const { id: viewerId } = await viewer.signUp('anna');
const sql = await createConnection({ uri: fixture.mariadb.url });
t.teardown(() => sql.end());
await sql.query(`USE ${SITE_SCHEMA}`);

async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const listen = (message: unknown): void => {
    const { query, database } = message as { query: string; database: string };
    if (database === SITE_SCHEMA) seen.push(query);
  };
  subscribe('tracing:mysql2:query:start', listen);
  try {
    await work();
  } finally {
    unsubscribe('tracing:mysql2:query:start', listen);
  }
  return seen;
}

const insert = (table: string, columns: string, rows: unknown[][]) =>
  sql.query(`INSERT INTO ${table} (${columns}) VALUES ?`, [rows]);
const at = (offsetMs: number): Date => new Date(Date.now() + offsetMs);
const text22 = (prefix: string, n: number): string =>
  prefix + String(n).padStart(22 - prefix.length, '0');
const streamOf = (n: number): string => text22('stream', n);
const MINUTE_MS = 60_000;

/** One more row of everything, each of another person. */
async function addRow(n: number): Promise<void> {
  const user = String(1_000 + n);
  const now = at(0);
  await insert('user', 'id, username, email, password_hash, is_model, status, created_at', [
    [user, `person${n}`, `person${n}@example.org`, 'x', 1, 'active', now],
  ]);
  await insert('model_profile', 'user_id, display_name, about, state, applied_at', [
    [user, `Person ${n}`, '', 'approved', now],
  ]);
  await insert(
    'room',
    'id, performer_id, slug, title, topic, price_milli_per_min, stream_id, created_at, updated_at, recent_at',
    [[user, user, `person${n}`, 't', '', 0, streamOf(n), now, now, now]],
  );
  await insert('room_tag', 'room_id, tag', [[user, 'music']]);
  await insert('follow', 'room_id, user_id, created_at', [
    [user, viewerId, now],
    [room.id, user, now],
  ]);
  await insert('notification', 'user_id, cause, kind, title, link, created_at', [
    [viewerId, `cause-${n}`, 'live', 'On the air', '/', now],
  ]);
  await insert('broadcast', 'room_id, title, show_type, started_at, ended_at', [
    [room.id, 'show', 'free', at(-(n + 1) * 10 * MINUTE_MS), at(-(n + 1) * 10 * MINUTE_MS + 1_000)],
  ]);
  await insert('show_slot', 'room_id, starts_at, ends_at, title, created_at', [
    [room.id, at((n + 1) * 10 * MINUTE_MS), at((n + 1) * 10 * MINUTE_MS + 1_000), 'slot', now],
  ]);
  await insert('room_moderator', 'room_id, user_id, added_at', [[room.id, user, now]]);
  await insert(
    'private_request',
    'room_id, viewer_id, open_viewer_id, note, price_milli, minimum_sec, grace_sec, state, created_at, expires_at',
    [[room.id, user, user, '', 1_000, 0, 0, 'open', now, at(5 * MINUTE_MS)]],
  );
  await insert(
    'report',
    'room_id, reporter_id, subject, subject_ref, author, text, reason, note, state, created_at',
    [[room.id, user, 'room', '-', '', '', 'spam', '', 'open', now]],
  );
  const order = [...['small', 100_000, 999, 'EUR', 'sandbox'], 'open', now];
  const purchase = 'id, user_id, command_key, package_id, amount_milli, price_cents, currency';
  await insert('purchase', `${purchase}, provider, state, created_at`, [
    [text22('order', n), viewerId, `command-${n}`, ...order],
  ]);
  await insert('refund_request', 'user_id, kind, ref, reason, state, created_at', [
    [user, 'tip', `tip-${n}`, 'sorry', 'open', now],
    [viewerId, 'tip', `tip-${n}`, 'sorry', 'open', now],
  ]);
  await insert('refund_order', 'command_key, kind, ref, reason, state, asked_by, created_at', [
    [`command-${n}`, 'tip', `tip-${n}`, 'sorry', 'waiting', user, now],
  ]);
  await insert('audit', 'actor_id, action, subject_type, subject_id, detail, ip, created_at', [
    [user, 'room.change', 'room', room.id, '{}', '', now],
  ]);
  await insert('mail', 'recipient, subject, body, created_at, next_try_at', [
    [`person${n}@example.org`, 'hello', 'text', now, now],
  ]);
}

const own = `/rooms/${room.slug}`;
const lists: readonly (readonly [Browser, string])[] = [
  [viewer, '/rooms'],
  [viewer, '/rooms?filter=live'],
  [viewer, '/rooms?tag=music'],
  [viewer, `${own}/profile`],
  [viewer, '/me/notifications'],
  [viewer, '/me/following'],
  [viewer, '/credits/orders'],
  [viewer, '/credits/refund-requests'],
  [model, '/model/earnings/shows'],
  [model, '/model/schedule'],
  [model, '/model/private-requests'],
  [model, `${own}/moderators`],
  [model, `${own}/moderation/reports`],
  [admin, '/admin/users'],
  [admin, '/admin/models?state=approved'],
  [admin, '/admin/audit'],
  [admin, '/admin/reports'],
  [admin, '/admin/refunds'],
  [admin, '/admin/refund-requests'],
  [admin, '/admin/mailbox'],
];

interface Seen {
  readonly statements: readonly string[];
  readonly rows: number;
}

async function lookAtAll(): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const [browser, path] of lists) {
    let rows = 0;
    // Lists of rooms are remembered for a moment.
    fixture.site.catalog.forget();
    const statements = await statementsOf(async () => {
      const answer = await browser.get(`/api/v1${path}`);
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.body}`);
      rows = Math.max(0, ...listsOf(answer.json()));
    });
    seen.set(path, { statements, rows });
  }
  return seen;
}

// On the air before their rooms are there, so that nobody is told anything while we count.
for (let n = 0; n < MANY; n += 1) fixture.air(streamOf(n), true);
const isAired = () => fixture.site.live.all().length === MANY;
await until(isAired, { what: 'all on the air', deadlineMs: 60_000 });
await fixture.site.live.look();
for (let n = 0; n < FEW; n += 1) await addRow(n);
const few = await lookAtAll();
for (let n = FEW; n < MANY; n += 1) await addRow(n);
const many = await lookAtAll();

for (const [path, { statements, rows }] of few) {
  t.test(`${path} asks the database as often for many rows as for few`, (t) => {
    const later = many.get(path);
    t.ok(rows >= FEW, `${rows} rows at first`);
    t.ok((later?.rows ?? 0) >= 20, `${later?.rows ?? 0} rows later`);
    t.ok(statements.length > 0, 'statements were counted');
    t.same(later?.statements.length, statements.length, statements.join('\n'));
    t.end();
  });
}

t.test('the counter sees a statement for each row where there is one', async (t) => {
  const { catalog } = fixture.site;
  const slugs = ['person0', 'person1', 'person2'];
  const seen = await statementsOf(async () => {
    for (const slug of slugs) await catalog.show(slug);
  });
  t.equal(seen.length, slugs.length);
});
