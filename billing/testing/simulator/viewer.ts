// A viewer at a simulated media node: proves life by hooks in the node's dialect, which are lost,
// doubled, late and out of order; tips, and asks again with the same key when no answer came.
// Remembers what was answered, so that the end can be judged.
import type { BillingClient } from '../../client.js';
import { INTERVAL_MS } from './fleet.js';
import type { SeededRandom } from '../../../cluster/testing/index.js';
import { type Refund, refund } from './refunds.js';

/** nginx-rtmp's form by POST or GET, our batch, or SRS, whose viewers prove life by a socket. */
export type Dialect = 'form' | 'get' | 'batch' | 'srs';
export const DIALECTS: readonly Dialect[] = ['form', 'get', 'batch', 'srs'];

export interface Viewer {
  readonly id: string;
  readonly room: string;
  readonly stream: string;
  readonly dialect: Dialect;
  readonly sessionId: string;
  readonly token: string;
  /** When asked and when answered, ms; only what billing said yes to. */
  readonly proofs: { readonly askedAt: number; readonly answeredAt: number }[];
  /** Key → answered tip, or undefined while nothing was answered. */
  readonly tips: Map<string, { readonly amount: bigint; tipId: string | undefined }>;
  /** By key. */
  readonly refunds: Map<string, Refund>;
}

/** @returns whether the media server may go on */
export async function proveLife(
  viewer: Viewer,
  base: string,
  client: BillingClient,
): Promise<boolean> {
  const { dialect, stream: name, token, id, sessionId } = viewer;
  const hook = { call: 'update_play', app: 'live', name, token, addr: '10.0.0.9', clientid: id };
  const form = new URLSearchParams(hook);
  const url = `${base}/hooks/nginx-rtmp/on_update`;
  if (dialect === 'srs') {
    const items = [{ sessionId, source: 'gateway', node: 'sim' }] as const;
    const [row] = await client.touchSessions(items);
    return row?.verdict === 'ok' || row?.verdict === 'warn';
  }
  if (dialect === 'batch') {
    const body = JSON.stringify({ node: 'sim', calls: [{ ...hook, session: id }] });
    const response = await fetch(`${base}/hooks/batch`, { method: 'POST', body });
    const { answers } = (await response.json()) as { answers: { status: number }[] };
    return answers[0]?.status === 200;
  }
  const response =
    dialect === 'get'
      ? await fetch(`${url}?${form.toString()}`)
      : await fetch(url, { method: 'POST', body: form });
  return response.status === 200;
}

/** The play begins, once for all dialects but twice told by the seed. */
export async function startPlay(viewer: Viewer, base: string): Promise<void> {
  const { stream, token, id, dialect } = viewer;
  if (dialect === 'srs') {
    const hook = { action: 'on_play', client_id: id, server_id: 'sim', app: 'live', stream };
    const body = JSON.stringify({ ...hook, ip: '10.0.0.9', param: `?token=${token}` });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${base}/hooks/srs`, { method: 'POST', body, headers });
    return;
  }
  const hook = { call: 'play', app: 'live', name: stream, token, addr: '10.0.0.9', clientid: id };
  const body = new URLSearchParams(hook);
  await fetch(`${base}/hooks/nginx-rtmp/on_play`, { method: 'POST', body });
}

export interface Traffic {
  readonly client: BillingClient;
  readonly random: SeededRandom;
  readonly bases: readonly string[];
  readonly nowMs: () => number;
  /** Resolves later by about so much; rejects nothing. */
  readonly wait: (ms: number) => Promise<void>;
  readonly isOver: () => boolean;
}

/** Hooks of one viewer until the run is over. */
export async function watch(viewer: Viewer, traffic: Traffic): Promise<void> {
  const { random, wait, isOver } = traffic;
  const pending: Promise<void>[] = [];
  while (!isOver()) {
    const copies = random.chance(0.15) ? 0 : random.chance(0.2) ? random.int(2, 4) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const late = random.chance(0.3) ? random.int(0, 1_500) : 0;
      pending.push(wait(late).then(() => prove(viewer, traffic)));
    }
    if (random.chance(0.2)) {
      const key = `sim-tip-${viewer.id}-${pending.length}`;
      viewer.tips.set(key, { amount: BigInt(random.int(1, 400)), tipId: undefined });
      pending.push(tip(viewer, traffic.client, key).catch(() => undefined));
    }
    if (random.chance(0.2)) {
      const key = `sim-refund-${viewer.id}-${pending.length}`;
      const answered = [...viewer.tips.values()].flatMap(({ tipId }) => tipId ?? []);
      if (answered.length > 0) {
        const source = { tipId: random.pick(answered) };
        viewer.refunds.set(key, { source, amountMilli: BigInt(random.int(1, 300)) });
        pending.push(refund(viewer, traffic.client, key).catch(() => undefined));
      }
    }
    await wait(random.int(INTERVAL_MS / 4, INTERVAL_MS));
  }
  await Promise.all(pending);
}

async function prove(viewer: Viewer, { client, random, bases, nowMs }: Traffic): Promise<void> {
  const askedAt = nowMs();
  const isAlive = await proveLife(viewer, random.pick(bases), client).catch(() => false);
  if (isAlive) viewer.proofs.push({ askedAt, answeredAt: nowMs() });
}

/** Asked again at the end, with the same key, when nobody has answered. */
export async function tip(viewer: Viewer, client: BillingClient, key: string): Promise<void> {
  const known = viewer.tips.get(key);
  if (known === undefined || known.tipId !== undefined) return;
  const { id: viewerId, room: roomId } = viewer;
  const receipt = await client.tip({
    ...{ key, viewerId, viewerName: 'sim', roomId, amountMilli: known.amount },
  });
  viewer.tips.set(key, { amount: known.amount, tipId: receipt.tipId });
}
