// The internal API: which method and path means what, with every request checked against its
// schema before anything is done. Pure of HTTP and of signatures; http.ts feeds it verified
// requests.
import { AppError } from '../cluster/index.js';
import { billingError } from './errors.js';
import { checkUserId, get, pageOf, post, put, type Route } from './route.js';
import * as schema from './schema.js';
import type { BillingService } from './service.js';
import type { Statements } from './statements.js';

export interface ApiRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface ApiReply {
  readonly status: number;
  readonly body: unknown;
}

export class BillingApi {
  private readonly routes: readonly Route[];

  constructor(service: BillingService, statements: Statements, more: readonly Route[] = []) {
    this.routes = [...routesOf(service, statements), ...more];
  }

  /** Never rejects: faults of the world become their coded reply; anything else is thrown on. */
  async handle(request: ApiRequest): Promise<ApiReply> {
    try {
      return { status: 200, body: await this.run(request) };
    } catch (thrown) {
      if (thrown instanceof AppError) return { status: thrown.http, body: thrown.toBody() };
      throw thrown;
    }
  }

  private async run({ method, path, query, body }: ApiRequest): Promise<unknown> {
    for (const route of this.routes) {
      const match = route.method === method ? route.path.exec(path) : null;
      if (match !== null) return route.run({ id: match[1] ?? '', query, body });
    }
    throw billingError('BILLING_NOT_FOUND', { path: path.slice(0, 200) });
  }
}

function routesOf(service: BillingService, statements: Statements): readonly Route[] {
  return [
    post('/v1/sessions/open', schema.openRequest, (body) => service.open(body)),
    post('/v1/sessions/touch', schema.touchRequest, ({ items }) => service.touch(items)),
    post('/v1/sessions/end', schema.endRequest, (body) => service.end(body)),
    post('/v1/tips', schema.tipRequest, (body) => service.tip(body)),
    post('/v1/grants', schema.grantRequest, (body) => service.grant(body)),
    put('/v1/rooms/:id', schema.roomTermsRequest, (body, id) => {
      return service.putRoom(checkUserId(id), body);
    }),
    put('/v1/rooms/:id/show-limit', schema.showLimitRequest, (body, id) => {
      return service.putShowLimit(checkUserId(id), body);
    }),
    put('/v1/stream-keys', schema.streamKeyRequest, (body) => service.putStreamKey(body)),
    get('/v1/sessions/:id', ({ id }) => service.session(id)),
    get('/v1/wallets/:id', ({ id }) => service.wallet(checkUserId(id))),
    get('/v1/wallets/:id/limits', ({ id }) => service.limits.read(checkUserId(id))),
    put('/v1/wallets/:id/limits', schema.limitsBody, (body, id) => {
      return service.limits.put(checkUserId(id), body);
    }),
    get('/v1/wallets/:id/entries', ({ id, query }) => {
      return statements.entries(checkUserId(id), pageOf(query));
    }),
    get('/v1/earnings/:id', ({ id }) => statements.earnings(checkUserId(id))),
    get('/v1/ledger/summary', () => statements.summary()),
  ];
}
