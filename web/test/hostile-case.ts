// One row of the tables of bad input, and how each is judged: problem+json with BAD_INPUT that
// names its fields and echoes nothing that a browser would run. Used by hostile*.test.ts.
import type { Test } from 'tap';
import type { Browser } from './site-fixture.js';

export interface Problem {
  code: string;
  status: number;
  detail: string;
  errors?: { field: string; code: string }[];
}

export const SCRIPT = '<script>alert(1)</script>';
export const SQL = "x' OR '1'='1";
export const LONG = 'x'.repeat(5_000);

type Who = 'anon' | 'viewer' | 'model' | 'admin';
type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** [who, method, path, body, fields that must be named] */
export type HostileCase = [Who, Method, string, unknown, string[]];

/** A form without one of its fields. */
export const without = (form: object, name: string) =>
  Object.fromEntries(Object.entries(form).filter(([key]) => key !== name));

export async function refuseAll(
  t: Test,
  visitors: Readonly<Record<Who, Browser>>,
  cases: readonly HostileCase[],
): Promise<void> {
  for (const [who, method, path, body, fields] of cases) {
    const name = `${method} ${path.slice(0, 60)} ${JSON.stringify(body ?? {}).slice(0, 80)}`;
    const answer = await visitors[who].send({
      method,
      url: `/api/v1${path}`,
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const problem = answer.json<Problem>();
    t.equal(answer.statusCode, 400, name);
    t.equal(problem.code, 'BAD_INPUT', name);
    t.match(answer.headers['content-type'], /^application\/problem\+json/);
    const named = new Set(problem.errors?.map((one) => one.field));
    t.ok(
      fields.every((field) => named.has(field)),
      `${name} names ${[...named].join(', ')}`,
    );
    t.notMatch(answer.body, /<script>|argon2|SELECT|\bat .*\.js/);
  }
}
