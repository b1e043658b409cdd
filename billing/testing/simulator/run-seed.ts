// One simulated run: viewers at media nodes that lose, double, delay and reorder their hooks;
// links, servers and roles that break by seed; then all shows end, are settled and judged.
import { setTimeout as delay } from 'node:timers/promises';
import {
  randomFromSeed,
  type SeededRandom,
  type TestScope,
  until,
} from '../../../cluster/testing/index.js';
import { KEY_HASH, STREAM_KEY } from '../../test/role-stage.js';
import { breakThings, type Outage } from './faults.js';
import { type Fleet, startFleet } from './fleet.js';
import { judge } from './judge.js';
import { refund, refundAgain } from './refunds.js';
import { DIALECTS, proveLife, startPlay, tip, type Viewer, watch } from './viewer.js';

export const ROOM = '7';
const STREAM = 'stream-seven';
export const PRICE = 600_000n;
/** Two of each dialect with much credit, one of each with little. */
const VIEWERS = 12;
const RICH = 1_000_000n;
const ANSWER_MS = 180_000;
/** Two lots, not alike: what one has paid must not go back to the other. */
const BONUSES = [1_000n, 2_000n] as const;
const BONUS = 3_000n;

export interface Report {
  readonly problems: readonly string[];
  readonly outages: readonly Outage[];
  readonly proofs: number;
  readonly tips: number;
  /** That were given, and that would have been more than was paid. */
  readonly refunds: { readonly given: number; readonly refused: number };
}

export interface Ended {
  readonly viewer: Viewer;
  /** When the show was asked for and when its end was confirmed, ms of this process. */
  readonly openAskedAt: number;
  readonly endedAt: number;
  readonly funded: bigint;
}

export async function runSeed(t: TestScope, seed: number): Promise<Report> {
  const random = randomFromSeed(seed);
  const fleet = await startFleet(t);
  const nowMs = (): number => performance.now();
  const shows = await openShows(fleet, random, nowMs);
  let isOver = false;
  const traffic = {
    ...{ client: fleet.client, random, bases: fleet.roles.map(({ base }) => base), nowMs },
    ...{ wait: (ms: number) => delay(ms), isOver: () => isOver },
  };
  const watching = Promise.all(shows.map(({ viewer }) => watch(viewer, traffic)));
  const outages = await breakThings(fleet, random, nowMs);
  isOver = true;
  await watching;
  for (const role of fleet.roles) await role.start();
  const ended: Ended[] = [];
  for (const { viewer, ...rest } of shows) {
    for (const key of viewer.tips.keys()) await insist(() => tip(viewer, fleet.client, key));
    const { sessionId } = viewer;
    await insist(() => fleet.client.endSession({ sessionId, reason: 'left' }));
    ended.push({ viewer, ...rest, endedAt: nowMs() });
  }
  for (const { viewer } of ended) {
    const source = { sessionId: viewer.sessionId };
    viewer.refunds.set(`sim-part-${viewer.id}`, {
      source,
      amountMilli: BigInt(random.int(1, 9_000)),
    });
    if (random.chance(0.5)) viewer.refunds.set(`sim-rest-${viewer.id}`, { source });
    viewer.refunds.set(`sim-more-${viewer.id}`, { source, amountMilli: RICH });
    for (const key of viewer.refunds.keys()) await insist(() => refund(viewer, fleet.client, key));
    await insist(() => refundAgain(viewer, fleet.client, `sim-part-${viewer.id}`));
  }
  const problems = [
    ...(await hookAfterEnd(fleet, ended)),
    ...(await judge(t, fleet, ended, outages)),
  ];
  const proofs = shows.reduce((sum, { viewer }) => sum + viewer.proofs.length, 0);
  const tips = shows.reduce((sum, { viewer }) => sum + viewer.tips.size, 0);
  const answers = shows.flatMap(({ viewer }) => [...viewer.refunds.values()]);
  const refused = answers.filter(({ answer }) => answer === 'refused').length;
  const refunds = { given: answers.length - refused, refused };
  return { problems, outages, proofs, tips, refunds };
}

type Opened = Omit<Ended, 'endedAt'>;

async function openShows(
  { client, roles }: Fleet,
  random: SeededRandom,
  nowMs: () => number,
): Promise<Opened[]> {
  const [base = ''] = roles.map((role) => role.base);
  const terms = { performerId: '99', streamId: STREAM, priceMilliPerMin: PRICE, isActive: true };
  await insist(() => client.putRoom(ROOM, terms));
  await insist(() => client.putStreamKey({ streamId: STREAM, keyHash: KEY_HASH }));
  const publish = new URLSearchParams({ call: 'publish', name: STREAM_KEY, app: 'live' });
  const url = `${base}/hooks/nginx-rtmp/on_publish`;
  await fetch(url, { method: 'POST', body: publish, redirect: 'manual' });
  const budgetMilli = BONUS * BigInt(VIEWERS);
  const campaign = await answered(() =>
    client.createCampaign({
      ...{ key: 'sim-campaign', name: 'sim', budgetMilli, expiresDays: 5 },
      ...{ paysPerformer: true, actor: 'admin:1' },
    }),
  );
  const shows: Opened[] = [];
  for (let at = 0; at < VIEWERS; at += 1) {
    const id = String(1_000 + at);
    const cash = at < 8 ? RICH : BigInt(random.int(20_000, 60_000));
    const grant = { key: `sim-grant-${id}`, userId: id, reason: 'sim', actor: 'admin:1' };
    await insist(() => client.grant({ ...grant, amountMilli: cash }));
    for (const amountMilli of BONUSES) {
      const key = `sim-bonus-${id}-${amountMilli}`;
      const bonus = { key, userId: id, amountMilli, actor: 'admin:1' };
      await insist(() => client.grantFromCampaign(campaign.id, bonus));
    }
    const openAskedAt = nowMs();
    const opening = { viewerId: id, roomId: ROOM, key: `sim-open-${id}` };
    const opened = await answered(() => client.openSession(opening));
    const dialect = DIALECTS[at % DIALECTS.length] ?? 'form';
    const viewer: Viewer = {
      ...{ id, room: ROOM, stream: STREAM, dialect, sessionId: opened.sessionId },
      ...{ token: opened.playToken, proofs: [], tips: new Map() },
      refunds: new Map(),
    };
    for (let copy = random.int(1, 2); copy > 0; copy -= 1) await startPlay(viewer, base);
    shows.push({ viewer, openAskedAt, funded: cash + BONUS });
  }
  return shows;
}

/** On a busy machine an answer may be later than a caller waits; all that is asked has a key. */
function answered<T extends object>(ask: () => Promise<T>) {
  return until(ask, { what: 'billing to answer', deadlineMs: ANSWER_MS });
}

/** Until somebody answers; a refusal by rule is an answer. */
async function insist(ask: () => Promise<unknown>): Promise<void> {
  await answered(() =>
    ask().then(
      () => ({ isDone: true }),
      (thrown: unknown) => {
        if ((thrown as { http?: number }).http === 402) return { isDone: false };
        throw thrown;
      },
    ),
  );
}

/** I12: what comes after the end is refused and costs nothing. */
async function hookAfterEnd({ client, roles }: Fleet, shows: readonly Ended[]): Promise<string[]> {
  const problems: string[] = [];
  for (const { viewer } of shows) {
    const before = await answered(() => client.getSession(viewer.sessionId));
    for (const { base } of roles) {
      const isAlive = async () => ({ isAlive: await proveLife(viewer, base, client) });
      if ((await answered(isAlive)).isAlive) problems.push(`${viewer.id} goes on after its end`);
    }
    const after = await answered(() => client.getSession(viewer.sessionId));
    if (after.chargedMilli !== before.chargedMilli)
      problems.push(`${viewer.id} paid after its end`);
  }
  return problems;
}
