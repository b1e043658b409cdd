// How a call of the internal API is described: method, path with at most one parameter, schema of
// its body. Used by api.ts and finance/routes.ts. Invariant: nothing runs before its request has
// been checked.
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { billingError } from './errors.js';

export interface Call {
  /** Path parameter, decoded; '' where the path has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  run(call: Call): Promise<unknown>;
}

const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;
const USER_ID = /^[1-9]\d{0,18}$/;

export function get(path: string, run: (call: Call) => Promise<unknown>): Route {
  return { method: 'GET', path: pattern(path), run };
}

export function post<S extends TSchema>(
  path: string,
  shape: S,
  run: (body: Static<S>, id: string) => Promise<unknown>,
): Route {
  return withBody('POST', path, shape, run);
}

export function put<S extends TSchema>(
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

export function checkUserId(id: string): string {
  if (!USER_ID.test(id)) throw billingError('BILLING_BAD_REQUEST', { problem: 'not an id' });
  return id;
}

/** @param form of `before`: an id of the list */
export function pageOf(
  query: URLSearchParams,
  form = /^\d{1,20}$/,
): { before: string | undefined; limit: number } {
  const before = query.get('before') ?? undefined;
  const limit = Number(query.get('limit') ?? PAGE_DEFAULT);
  if (before !== undefined && !form.test(before)) {
    throw billingError('BILLING_BAD_REQUEST', { problem: 'before is not an entry id' });
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    throw billingError('BILLING_BAD_REQUEST', { problem: `limit must be 1…${PAGE_MAX}` });
  }
  return { before, limit };
}
