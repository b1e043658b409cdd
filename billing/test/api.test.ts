// The internal API end to end: typed client, signatures, checks, and what people are told.
import t from 'tap';
import { signRequest } from '../../cluster/index.js';
import { TEST_SECRETS, until } from '../../cluster/testing/index.js';
import { openShop, type RoleStage, startRole } from './role-stage.js';

const tipOf = (key: string, amountMilli: bigint, more: object = {}) => ({
  ...{ key, viewerId: '42', viewerName: 'anna', roomId: '7', amountMilli },
  ...more,
});

async function raw(
  stage: RoleStage,
  options: { path?: string; body?: string; signed?: string; secret?: string; nowMs?: number },
): Promise<{ status: number; code: string }> {
  const { path = '/v1/tips', body = '{}', signed = body } = options;
  const { secret = TEST_SECRETS.internal, nowMs = Date.now() } = options;
  const headers = signRequest({ method: 'POST', path, body: signed }, { secret, nowMs });
  const reply = await fetch(stage.base + path, { method: 'POST', body, headers });
  const { error } = (await reply.json()) as { error?: { code: string } };
  return { status: reply.status, code: error?.code ?? '' };
}

t.test('a viewer enters, watches, tips and is cut off at zero', async (t) => {
  const stage = await startRole(t);
  const { client, hook, said, cuts, role } = stage;
  await openShop(stage, { credits: 2_500n, price: 60_000n });
  const session = { viewerId: '42', roomId: '7', key: 'open-key-1' };
  await hook('on_publish', { name: (await import('./role-stage.js')).STREAM_KEY, call: 'publish' });
  const opened = await client.openSession(session);
  t.match(opened, { roomId: '7', priceMilliPerMin: 60_000n, balance: 2_500n, duplicate: false });
  t.match(await client.openSession(session), { sessionId: opened.sessionId, duplicate: true });
  t.match(await client.openSession({ ...session, key: 'open-key-2' }), {
    ...{ sessionId: opened.sessionId, duplicate: true },
  });
  t.match(await client.tip(tipOf('tip-key-1', 500n, { text: 'hi' })), { duplicate: false });
  const item = { sessionId: opened.sessionId, source: 'gateway', node: 'g1' } as const;
  const [verdict] = await client.touchSessions([item]);
  t.match(verdict, { verdict: 'warn', secondsLeft: Number });
  const watch = async () => {
    await client.touchSessions([item]);
    return cuts.length > 0;
  };
  await until(watch, { what: 'the cut', everyMs: 200 });
  t.match(cuts[0], {
    ...{ sessionId: opened.sessionId, viewerId: '42', roomId: '7', reason: 'insufficient_credit' },
  });
  t.match(await client.getWallet('42'), { balance: 0n, held: 0n });
  t.match(await client.touchSessions([item]), [
    { verdict: 'ended', reason: 'insufficient_credit' },
  ]);
  const view = await client.getSession(opened.sessionId);
  t.match(view, { state: 'ended', reason: 'insufficient_credit', chargedMilli: 2_000n });
  await until(() => cuts.length > 1, { what: 'the notice to be repeated' });
  t.match(await client.endSession({ sessionId: opened.sessionId, reason: 'left' }), {
    ...{ reason: 'insufficient_credit', chargedMilli: 2_000n },
  });
  await role.announcer.flush();
  t.match(
    said.find((one) => one.what === 'cut'),
    { to: '42', reason: 'insufficient_credit', roomId: '7' },
  );
  t.match(
    said.find((one) => one.what === 'tip'),
    { to: '7', key: 'tip-key-1', amount: 500n, text: 'hi', from: { id: '42', name: 'anna' } },
  );
  const last = said.filter((one) => one.what === 'balance').at(-1);
  t.match(last, { to: '42', owned: 0n, held: 0n });
  await role.settler.drain();
  t.match(await client.getEarnings('99'), { total: 1_500n, pending: 1_500n });
  t.match(await client.getLedgerSummary(), { entriesSum: '0' });
  const { entries } = await client.getStatement('42', { limit: 2 });
  t.equal(entries.length, 2);
});

t.test('commands by key', async (t) => {
  const stage = await startRole(t);
  const { client, said, role } = stage;
  await openShop(stage, { credits: 10_000n });
  const codes = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (thrown: unknown) => (thrown as { code: string }).code,
    );

  await t.test('a tip pays once and is announced under its key each time', async (t) => {
    t.match(await client.tip(tipOf('tip-key-1', 1_000n)), { balance: 9_000n, duplicate: false });
    t.match(await client.tip(tipOf('tip-key-1', 1_000n)), { balance: 9_000n, duplicate: true });
    await role.announcer.flush();
    const keys = said.filter((one) => one.what === 'tip').map((one) => one['key']);
    t.same(keys, ['tip-key-1', 'tip-key-1']);
  });
  await t.test('what is refused changes nothing', async (t) => {
    const refusals: [string, () => Promise<unknown>][] = [
      ['BILLING_KEY_CONFLICT', () => client.tip(tipOf('tip-key-1', 2_000n))],
      ['BILLING_INSUFFICIENT_CREDIT', () => client.tip(tipOf('tip-key-2', 9_500n))],
      ['BILLING_AMOUNT_INVALID', () => client.tip(tipOf('tip-key-3', 0n))],
      ['BILLING_TIP_LIMIT', () => client.tip(tipOf('tip-key-4', 10_000_001n))],
      ['BILLING_ROOM_UNKNOWN', () => client.tip(tipOf('tip-key-5', 1n, { roomId: '8' }))],
      ['BILLING_SELF_PAYMENT', () => client.tip(tipOf('tip-key-6', 1n, { viewerId: '99' }))],
      ['BILLING_KEY_EXPIRED', () => client.tip(tipOf('01ARZ3NDEKTSV4RRFFQ69G5FAV', 1n))],
      ['BILLING_BAD_REQUEST', () => client.tip(tipOf('tip-key-7', -1n))],
      ['BILLING_BAD_REQUEST', () => client.tip(tipOf('x', 1n))],
      ['BILLING_SESSION_UNKNOWN', () => client.getSession('nothing')],
    ];
    for (const [code, work] of refusals) t.equal(await codes(work()), code);
    t.match(await client.getWallet('42'), { balance: 9_000n, held: 0n });
  });
  await t.test('a failure is sticky: the same key fails also after a top-up', async (t) => {
    const grant = { userId: '42', amountMilli: 5_000n, reason: 'more', actor: 'admin:1' };
    await client.grant({ key: 'grant-key-2', ...grant });
    t.equal(await codes(client.tip(tipOf('tip-key-2', 9_500n))), 'BILLING_INSUFFICIENT_CREDIT');
    t.match(await client.tip(tipOf('tip-key-8', 9_500n)), { balance: 4_500n });
    const changed = client.grant({ key: 'grant-key-2', ...grant, amountMilli: 5_001n });
    t.equal(await codes(changed), 'BILLING_KEY_CONFLICT');
  });
  await t.test('free and closed rooms sell nothing', async (t) => {
    const terms = { performerId: '99', streamId: 'stream-seven', isActive: true };
    const open = (key: string) => codes(client.openSession({ viewerId: '42', roomId: '7', key }));
    await client.putRoom('7', { ...terms, priceMilliPerMin: 0n });
    t.equal(await open('open-key-1'), 'BILLING_NOT_PAID_ROOM');
    await client.putRoom('7', { ...terms, priceMilliPerMin: 6_000n, isActive: false });
    t.equal(await open('open-key-2'), 'BILLING_ROOM_CLOSED');
  });
  await t.test('a wallet that never moved is empty', async (t) => {
    t.match(await client.getWallet('4711'), { balance: 0n, held: 0n, version: 0 });
  });
});

t.test('unsigned, forged, old and malformed calls are refused with their code', async (t) => {
  const stage = await startRole(t);
  const wrong = 'x'.repeat(40);
  t.match(await raw(stage, { secret: wrong }), { status: 401, code: 'INTERNAL_FORGED' });
  t.match(await raw(stage, { signed: '{"a":1}' }), { status: 401, code: 'INTERNAL_FORGED' });
  const old = Date.now() - 120_000;
  t.match(await raw(stage, { nowMs: old }), { status: 401, code: 'INTERNAL_EXPIRED' });
  t.match(await raw(stage, { body: '{' }), { status: 400, code: 'BILLING_BAD_REQUEST' });
  t.match(await raw(stage, { body: '{"key":1}' }), { status: 400, code: 'BILLING_BAD_REQUEST' });
  t.match(await raw(stage, { path: '/v1/no' }), { status: 404, code: 'BILLING_NOT_FOUND' });
  const unsigned = await fetch(`${stage.base}/v1/wallets/42`);
  t.equal(unsigned.status, 401);
  const huge = await raw(stage, { body: 'x'.repeat(1_100_000) });
  t.match(huge, { status: 413 });
});
