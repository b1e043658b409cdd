// Walks the whole description of the API: every route gets wrong, missing, oversized and hostile
// input as a stranger, as a viewer and as an admin. Each answer is a coded problem, never a 5xx and
// never an echo that a browser would run. A route that is not in the description fails as well.
import t, { type Test } from 'tap';
import { errorTable } from '../errors.js';
import { LONG, SCRIPT, SQL, type Problem } from './hostile-case.js';
import { startMoney } from './money-stage.js';
import { staff, startSite, type Browser } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: {
    readonly content?: Readonly<
      Record<string, { schema?: { properties?: Readonly<Record<string, { type?: string }>> } }>
    >;
  };
}
interface Route {
  readonly method: Method;
  readonly pattern: string;
  readonly operation: Operation;
}

const { paths } = fixture.app.swagger() as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const routes: Route[] = Object.entries(paths).flatMap(([pattern, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    ...{ pattern, operation },
    method: method.toUpperCase() as Method,
  })),
);

/** Sends to a route from an address of its own, so that no limit of an address is reached. */
let calls = 0;
function send(who: Browser, { method }: Route, url: string, payload?: unknown) {
  calls += 1;
  return who.send({
    ...{ method, url },
    remoteAddress: `10.${calls >> 16}.${(calls >> 8) & 255}.${calls & 255}`,
    ...(payload === undefined || method === 'GET' ? {} : { payload: payload as object }),
  });
}

type Answer = Awaited<ReturnType<typeof send>>;

/** What is wrong with an answer to hostile input. */
function faultOf(answer: Answer, isRefusalWanted: boolean): string | undefined {
  const { statusCode, body } = answer;
  const type = String(answer.headers['content-type'] ?? '');
  if (statusCode >= 500) return `${statusCode} ${body.slice(0, 100)}`;
  if (type.includes('text/html') && body.includes('<script>')) return 'an echo as HTML';
  if (answer.headers['x-content-type-options'] !== 'nosniff') return 'no nosniff';
  if (statusCode < 400) return isRefusalWanted ? `${statusCode} for hostile input` : undefined;
  if (!type.startsWith('application/problem+json')) return `a refusal as ${type}`;
  const { code, status } = answer.json<Problem>();
  if (!(code in errorTable)) return `unknown code ${code}`;
  if (status !== statusCode) return `status ${status} in ${statusCode}`;
  return /argon2|SELECT |\bat .*\.[jt]s:/.test(body) ? 'tells of the inside' : undefined;
}

/** Bodies that are documents of others: judged by their importer, not by a schema. */
const isOpenBody = ({ pattern }: Route): boolean => pattern.endsWith('/webhook');

/** Asks all of a batch at once and names what fails. */
async function judge(
  t: Test,
  name: string,
  wanted: readonly { at: string; ask: () => Promise<Answer>; mustRefuse: boolean }[],
): Promise<void> {
  const faults: string[] = [];
  const batch = 20;
  for (let from = 0; from < wanted.length; from += batch) {
    const part = wanted.slice(from, from + batch);
    const answers = await Promise.all(part.map(({ ask }) => ask()));
    answers.forEach((answer, n) => {
      const { at = '', mustRefuse = false } = part[n] ?? {};
      const fault = faultOf(answer, mustRefuse);
      if (fault !== undefined) faults.push(`${at}: ${fault}`);
    });
  }
  t.same(faults, [], `${name}, ${wanted.length} requests`);
}

const fill = (pattern: string, value: string): string =>
  pattern.replace(/\{\w+\}/g, encodeURIComponent(value));
const nameOf = ({ method, pattern }: Route): string => `${method} ${pattern}`;
const writes = routes.filter(({ method }) => method !== 'GET');
const fieldsOf = ({ operation }: Route): [string, { type?: string }][] =>
  Object.entries(operation.requestBody?.content?.['application/json']?.schema?.properties ?? {});
/** Works for everybody and without a body, and ends the session of who asks. */
const endsSession = ({ pattern }: Route): boolean =>
  /auth\/(logout|refresh)|\/sessions/.test(pattern);
const tooLong = (name: string): [string, unknown] => [
  `${name} too long`,
  { [name]: LONG.repeat(4) },
];
const people: [string, Browser][] = [
  ['viewer', viewer],
  ['admin', admin],
];

t.test('every route that is served is in the description, and so in this walk', (t) => {
  const known = new Set(routes.map(nameOf));
  const served = fixture.routes
    .filter((one) => one.includes('/api/v1/') && !/^(HEAD|OPTIONS) /.test(one))
    .map((one) => one.replace(/:(\w+)/g, '{$1}'));
  t.ok(served.length > 100, `${served.length} routes`);
  t.same(
    served.filter((one) => !known.has(one)),
    [],
  );
  t.end();
});

t.test('ids in addresses: traversal, markup, SQL, much too long, none', (t) => {
  const values = ['../../etc/passwd', SCRIPT, SQL, LONG.slice(0, 180), '0'];
  const wanted = people.flatMap(([name, who]) =>
    routes
      .filter(({ pattern }) => pattern.includes('{'))
      .flatMap((route) =>
        values.map((value) => ({
          at: `${name} ${nameOf(route)} ${value.slice(0, 20)}`,
          ask: () => send(who, route, fill(route.pattern, value), {}),
          mustRefuse: true,
        })),
      ),
  );
  return judge(t, 'addresses', wanted);
});

t.test('queries: markup, SQL, much too long, operators', (t) => {
  const wanted = routes.flatMap((route) => {
    const names = (route.operation.parameters ?? [])
      .filter((one) => one.in === 'query')
      .map((one) => one.name);
    const queries = names.flatMap((name) =>
      [SCRIPT, SQL, LONG].map((value) => `${name}=${encodeURIComponent(value)}`),
    );
    return [...queries, 'unknown[$ne]=1', '%00=%ff'].map((query) => ({
      at: `${nameOf(route)}?${query.slice(0, 30)}`,
      ask: () => send(admin, { ...route, method: 'GET' }, `${fill(route.pattern, '1')}?${query}`),
      mustRefuse: false,
    }));
  });
  return judge(
    t,
    'queries',
    wanted.filter(({ at }) => at.startsWith('GET')),
  );
});

t.test('bodies: none, of the wrong kind, with wrong types, far too long', (t) => {
  const wanted = writes.flatMap((route) => {
    const url = fill(route.pattern, '1');
    const fields = fieldsOf(route);
    const filled = (value: unknown) => Object.fromEntries(fields.map(([name]) => [name, value]));
    const hostile: [string, unknown][] = [
      ['an array', []],
      ['an unknown member', { unknown: 1 }],
      ['a megabyte', { text: 'x'.repeat(1_000_000) }],
      ...fields.flatMap(([name, { type }]): [string, unknown][] => [
        [`${name} of the wrong type`, { [name]: { $ne: null } }],
        ...(type === 'string' ? [tooLong(name)] : []),
      ]),
    ];
    const anything: [string, unknown][] = [
      ['no member', {}],
      ['markup', filled(SCRIPT)],
      ['SQL', filled(SQL)],
    ];
    return people.flatMap(([name, who]) => [
      ...hostile.map(([what, body]) => ({
        at: `${name} ${nameOf(route)} ${what}`,
        ask: () => send(who, route, url, body),
        mustRefuse: !isOpenBody(route),
      })),
      ...(endsSession(route) ? [] : anything).map(([what, body]) => ({
        at: `${name} ${nameOf(route)} ${what}`,
        ask: () => send(who, route, url, body),
        mustRefuse: false,
      })),
    ]);
  });
  return judge(t, 'bodies', wanted);
});

t.test('strangers, forged cookies, and what belongs to others', (t) => {
  const forger = fixture.browser();
  const forge = (value: string) => {
    for (const name of ['sb_access', 'sb_refresh']) forger.cookies.set(name, value);
    return forger;
  };
  const tokens = [`${viewer.cookies.get('sb_access') ?? ''}x`, "'; DROP TABLE user; --"];
  const wanted = routes.flatMap((route) => {
    const url = fill(route.pattern, '1');
    const isGuarded = /^\/api\/v1\/(admin|model|me|credits\/(orders|lots|shows))/.test(url);
    const forged = tokens.map((token) => ({
      at: `forged ${nameOf(route)}`,
      ask: () => send(forge(token), route, url, {}),
      mustRefuse: isGuarded,
    }));
    const foreign = {
      at: `viewer ${nameOf(route)}`,
      ask: () => send(viewer, route, url, {}),
      mustRefuse: /^\/api\/v1\/(admin|model)\//.test(url) && !url.endsWith('/model/apply'),
    };
    return endsSession(route) ? forged : [...forged, foreign];
  });
  return judge(t, 'strangers', wanted);
});

t.test('nobody was logged out by the walk, so it went past the door', async (t) => {
  for (const [name, who] of people) t.equal((await who.get('/api/v1/me')).statusCode, 200, name);
});
