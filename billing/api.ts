// The internal API: which method and path means what, with every request checked against its
// schema before anything is done. Pure of HTTP and of signatures; http.ts feeds it verified
// requests.
import { Compile } from 'typebox/compile';
import type { Static, TSchema } from 'typebox';
import { AppError } from '../cluster/index.js';
import { billingError } from './errors.js';
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

interface Call {
  /** Path parameter, decoded; '' where the path has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  run(call: Call): Promise<unknown>;
}

const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;
const USER_ID = /^[1-9]\d{0,18}$/;

export class BillingApi {
  private readonly routes: readonly Route[];

  constructor(service: BillingService, statements: Statements) {
    this.routes = routesOf(service, statements);
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
    put('/v1/stream-keys', schema.streamKeyRequest, (body) => service.putStreamKey(body)),
    get('/v1/sessions/:id', ({ id }) => service.session(id)),
    get('/v1/wallets/:id', ({ id }) => service.wallet(checkUserId(id))),
    get('/v1/wallets/:id/entries', ({ id, query }) => {
      return statements.entries(checkUserId(id), pageOf(query));
    }),
    get('/v1/earnings/:id', ({ id }) => statements.earnings(checkUserId(id))),
    get('/v1/ledger/summary', () => statements.summary()),
  ];
}

function get(path: string, run: (call: Call) => Promise<unknown>): Route {
  return { method: 'GET', path: pattern(path), run };
}

function post<S extends TSchema>(
  path: string,
  shape: S,
  run: (body: Static<S>, id: string) => Promise<unknown>,
): Route {
  return withBody('POST', path, shape, run);
}

function put<S extends TSchema>(
  path: string,
  shape: S,
  run: (body: Static<S>, id: string) => Promise<void>,
): Route {
  return withBody('PUT', path, shape, async (body, id) => {
    await run(body, id);
    return {};
  });
}

function withBody<S extends TSchema>(
  method: string,
  path: string,
  shape: S,
  run: (body: Static<S>, id: string) => Promise<unknown>,
): Route {
  const validator = Compile(shape);
  return {
    method,
    path: pattern(path),
    run: async ({ body, id }) => {
      const value = parseJson(body);
      if (!validator.Check(value)) {
        const [first] = validator.Errors(value);
        const problem = `${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`.trim();
        throw billingError('BILLING_BAD_REQUEST', { problem });
      }
      return run(value, id);
    },
  };
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(':id', '([A-Za-z0-9]{1,32})')}$`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw billingError('BILLING_BAD_REQUEST', { problem: 'the body is not JSON' });
  }
}

function checkUserId(id: string): string {
  if (!USER_ID.test(id)) throw billingError('BILLING_BAD_REQUEST', { problem: 'not an id' });
  return id;
}

function pageOf(query: URLSearchParams): { before: string | undefined; limit: number } {
  const before = query.get('before') ?? undefined;
  const limit = Number(query.get('limit') ?? PAGE_DEFAULT);
  if (before !== undefined && !/^\d{1,20}$/.test(before)) {
    throw billingError('BILLING_BAD_REQUEST', { problem: 'before is not an entry id' });
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    throw billingError('BILLING_BAD_REQUEST', { problem: `limit must be 1…${PAGE_MAX}` });
  }
  return { before, limit };
}
