// The five kinds of requests that the site is measured with, and what the bare server is asked
// instead. Each list of requests is made anew: keys, orders and signatures are used once.
import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { createTokenService } from '../../../cluster/index.js';
import { TEST_SECRETS } from '../../../cluster/testing/index.js';
import type { SiteRequest } from '../../generator/site-load.js';
import { openOrders, openSiteTables } from '../../testing/site-data.js';
import { WEBHOOK_SECRET, type WebRoleServer } from '../../servers/web-role.js';

export const PART_NAMES = ['login', 'live-list', 'profile', 'tip', 'webhook'] as const;
export type PartName = (typeof PART_NAMES)[number];
type Side = 'site' | 'bare';

export interface SitePart {
  readonly name: PartName;
  /** What the bare server does. */
  readonly ceiling: string;
  /** Requests of one round: two to three seconds on two cores. */
  readonly count: number;
  /** What the bare server answers under a path. */
  readonly fixed?: readonly [path: string, text: string];
  readonly requests: (side: Side, count: number) => Promise<readonly SiteRequest[]>;
}

const JSON_BODY = { 'content-type': 'application/json' };
const TOKEN_SEC = 1_200;

export async function partsOf(server: WebRoleServer): Promise<readonly SitePart[]> {
  return [
    loginPart(server),
    await readPart(server, { name: 'live-list', path: '/api/v1/rooms?filter=live', count: 3_000 }),
    await readPart(server, { name: 'profile', path: '/api/v1/rooms/model1/profile', count: 1_500 }),
    tipPart(server),
    webhookPart(server),
  ];
}

function loginPart({ data }: WebRoleServer): SitePart {
  return {
    ...{ name: 'login', ceiling: 'argon2id alone', count: 120 },
    requests: (side, count) =>
      Promise.resolve(
        Array.from({ length: count }, (_, at) => {
          const viewer = data.viewerIds[at % data.viewerIds.length] ?? '';
          const body = JSON.stringify({ login: `viewer${viewer}`, password: data.password });
          const path = side === 'site' ? '/api/v1/auth/login' : '/login';
          return { method: 'POST', path, headers: headersOf(viewer), body };
        }),
      ),
  };
}

/** Reading a page that is the same for everybody; the bare server has its bytes. */
async function readPart(
  { origin }: WebRoleServer,
  { name, path, count }: { readonly name: PartName; readonly path: string; readonly count: number },
): Promise<SitePart> {
  const answer = await fetch(`${origin}${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const text = await answer.text();
  const bare = `/${name}`;
  return {
    ...{ name, count, fixed: [bare, text], ceiling: `the same ${text.length} bytes` },
    requests: (side) => Promise.resolve([{ method: 'GET', path: side === 'site' ? path : bare }]),
  };
}

function tipPart({ data }: WebRoleServer): SitePart {
  const tokens = createTokenService(TEST_SECRETS.token);
  const slug = data.rooms[0]?.slug ?? '';
  return {
    ...{ name: 'tip', ceiling: "billing's call alone", count: 600 },
    requests: (side, count) =>
      Promise.resolve(
        Array.from({ length: count }, (_, at): SiteRequest => {
          const viewer = data.viewerIds[at % data.viewerIds.length] ?? '';
          const order = { key: `tip-${randomUUID()}`, amountMilli: '1000' };
          if (side === 'bare') {
            const body = JSON.stringify({ ...order, viewer });
            return { method: 'POST', path: '/tip', headers: JSON_BODY, body };
          }
          const claims = {
            sub: viewer,
            name: `viewer${viewer}`,
            role: 'viewer',
            sid: randomUUID(),
          };
          const authorization = `Bearer ${tokens.sign('access', claims, TOKEN_SEC)}`;
          const headers = { ...headersOf(viewer), authorization };
          const body = JSON.stringify({ ...order, text: 'for you' });
          return { method: 'POST', path: `/api/v1/rooms/${slug}/tips`, headers, body };
        }),
      ),
  };
}

function webhookPart({ data, mysqlUrl }: WebRoleServer): SitePart {
  const signer = new Stripe('sk_test_bench');
  return {
    ...{ name: 'webhook', ceiling: "signature and billing's call", count: 400 },
    async requests(side, count) {
      const sql = await openSiteTables(mysqlUrl);
      const orders = await openOrders(sql, { userIds: data.viewerIds, count });
      await sql.end();
      const path = side === 'site' ? '/api/v1/payments/stripe/webhook' : '/webhook';
      return orders.map((id): SiteRequest => {
        const object = { id: `cs_${id}`, client_reference_id: id, payment_intent: `pi_${id}` };
        const body = JSON.stringify({
          ...{ object: 'event', id: `evt_${id}`, type: 'checkout.session.completed' },
          data: { object: { ...object, payment_status: 'paid' } },
        });
        const signature = signer.webhooks.generateTestHeaderString({
          ...{ payload: body, secret: WEBHOOK_SECRET },
        });
        return {
          method: 'POST',
          path,
          headers: { ...JSON_BODY, 'stripe-signature': signature },
          body,
        };
      });
    },
  };
}

/** What a page sends; each viewer comes from an address of its own. */
function headersOf(viewer: string): Record<string, string> {
  const id = Number(viewer);
  const address = `10.${(id >> 16) & 255}.${(id >> 8) & 255}.${id & 255}`;
  return { ...JSON_BODY, 'x-showbill': '1', 'x-forwarded-for': address };
}
