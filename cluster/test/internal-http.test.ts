// Internal calls: what a signature proves, and what the client does about members that are slow,
// draining, broken or gone. Servers are real: node:http, Fastify and uWebSockets.js.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import uws from 'uWebSockets.js';
import { AppError } from '../errors.js';
import { InternalClient } from '../internal-client.js';
import {
  SIGNATURE_HEADER,
  signRequest,
  TIME_HEADER,
  verifyRequest,
} from '../internal-signature.js';
import type { Member, Role } from '../members.js';
import {
  freePort,
  ManualClock,
  seededRandom,
  startTcpProxy,
  TEST_SECRETS,
} from '../testing/index.js';

const secret: string = TEST_SECRETS.internal;
const nowMs = 1_760_000_000_000;

function received(headers: Record<string, string>) {
  return { time: headers[TIME_HEADER] ?? '', signature: headers[SIGNATURE_HEADER] ?? '' };
}

function codeOf(work: () => void): string {
  try {
    work();
    return 'ok';
  } catch (thrown) {
    return (thrown as AppError).code;
  }
}

await t.test('a signed request verifies within 60 s of its time and not beyond', (t) => {
  const request = { method: 'POST', path: '/v1/tips?x=1', body: '{"a":1}' };
  const headers = received(signRequest(request, { secret, nowMs }));
  const at = (ms: number): string =>
    codeOf(() => verifyRequest({ ...request, ...headers }, { secret, nowMs: nowMs + ms }));

  t.same([0, 60_000, -60_000].map(at), ['ok', 'ok', 'ok']);
  t.same([60_001, -60_001].map(at), ['INTERNAL_EXPIRED', 'INTERNAL_EXPIRED']);
  t.end();
});

await t.test('any change of time, method, path, body or secret is noticed', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 20 });
  const { seed } = seededRandom(t);
  fc.assert(
    fc.property(text, text, text, text, (path, body, otherPath, otherBody) => {
      const request = { method: 'POST', path, body };
      const headers = received(signRequest(request, { secret, nowMs }));
      const verdict = (change: object, key = secret): string =>
        codeOf(() => verifyRequest({ ...request, ...headers, ...change }, { secret: key, nowMs }));
      const isSame = path === otherPath && body === otherBody;
      return (
        verdict({}) === 'ok' &&
        verdict({ path: otherPath, body: otherBody }) === (isSame ? 'ok' : 'INTERNAL_FORGED') &&
        verdict({ method: 'PUT' }) === 'INTERNAL_FORGED' &&
        verdict({ time: String(nowMs - 1) }) === 'INTERNAL_FORGED' &&
        verdict({ body: Buffer.from(body) }) === 'ok' &&
        verdict({}, `${secret}x`) === 'INTERNAL_FORGED'
      );
    }),
    { seed, numRuns: 200 },
  );
  t.end();
});

await t.test('missing and malformed headers are refused as unsigned', (t) => {
  const request = { method: 'GET', path: '/', body: '' };
  const { time, signature } = received(signRequest(request, { secret, nowMs }));
  const broken = [
    { time: '', signature },
    { time, signature: '' },
    { time, signature: signature.slice(0, -1) },
    { time, signature: signature.toUpperCase() },
    { time: '1e12', signature },
    { time: `${time} `, signature },
  ];
  for (const headers of broken) {
    t.equal(
      codeOf(() => verifyRequest({ ...request, ...headers }, { secret, nowMs })),
      'INTERNAL_UNSIGNED',
    );
  }
  t.end();
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A member whose server verifies signatures and then does as `handler` says. */
async function startMember(
  t: Test,
  id: string,
  handler: Handler,
): Promise<Member & { seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const headers = request.headers as Record<string, string>;
      const { method = '', url = '' } = request;
      verifyRequest(
        { method, path: url, body, ...received(headers) },
        { secret, nowMs: Date.now() },
      );
      seen.push(`${method} ${url} ${body}`);
      handler(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { ...memberAt(id, `http://127.0.0.1:${port}`), seen };
}

function memberAt(id: string, internal: string, draining = false): Member {
  return { role: 'billing', id, incarnation: 1, address: { internal }, load: 0, draining };
}

function newClient(t: Test, members: readonly Member[]): InternalClient {
  const list = (role: Role): readonly Member[] => members.filter((one) => one.role === role);
  const client = new InternalClient({ members: { list }, secret });
  t.teardown(() => client.close());
  return client;
}

const answer =
  (value: unknown, status = 200): Handler =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(value === undefined ? '' : JSON.stringify(value));
  };
const never: Handler = () => undefined;
const hangUp: Handler = (request) => request.socket.destroy();

await t.test(
  'a call arrives with method, path, query and body, and brings the JSON back',
  async (t) => {
    const member = await startMember(t, 'a', answer({ balance: '12000' }));
    const client = newClient(t, [member]);

    t.same(await client.call('billing', 'POST', '/v1/x?a=%20b', { ż: 1 }), { balance: '12000' });
    t.same(await client.call('billing', 'GET', '/v1/y'), { balance: '12000' });
    t.same(member.seen, ['POST /v1/x?a=%20b {"ż":1}', 'GET /v1/y ']);
  },
);

await t.test('an empty answer is undefined', async (t) => {
  const client = newClient(t, [await startMember(t, 'a', answer(undefined, 204))]);

  t.equal(await client.call('billing', 'PUT', '/v1/x', {}), undefined);
});

await t.test(
  'members are asked in turn, draining ones only when there is nobody else',
  async (t) => {
    const [a, b, c] = [
      await startMember(t, 'a', answer(1)),
      await startMember(t, 'b', answer(2)),
      await startMember(t, 'c', answer(3)),
    ];
    const client = newClient(t, [a, b, { ...c, draining: true }]);
    for (let i = 0; i < 6; i += 1) await client.call('billing', 'POST', '/', {});
    const lastOne = newClient(t, [{ ...c, draining: true }]);

    t.same([a.seen.length, b.seen.length, c.seen.length], [3, 3, 0]);
    t.equal(await lastOne.call('billing', 'POST', '/', {}), 3);
  },
);

await t.test('nobody of the role, or nobody with an address, is INTERNAL_NO_MEMBER', async (t) => {
  const client = newClient(t, [{ ...memberAt('a', ''), address: {} }]);

  await t.rejects(client.call('billing', 'GET', '/'), { code: 'INTERNAL_NO_MEMBER', http: 503 });
  await t.rejects(client.call('rtmp', 'GET', '/'), { message: /no rtmp process/ });
});

await t.test("the member's own coded error comes through", async (t) => {
  const body = {
    error: { code: 'BILLING_X', message: 'needs {n}', retry: false, details: { n: 5 } },
  };
  const client = newClient(t, [await startMember(t, 'a', answer(body, 402))]);

  const thrown: unknown = await client.call('billing', 'POST', '/', {}).catch((e: unknown) => e);

  t.ok(thrown instanceof AppError);
  t.match(thrown, {
    code: 'BILLING_X',
    http: 402,
    retry: false,
    message: 'needs 5',
    details: { n: 5 },
  });
});

await t.test('an answer without sense is INTERNAL_REPLY', async (t) => {
  const text: Handler = (_, response) => response.end('<html>');
  const bare = answer({ no: 'error' }, 500);
  const tooLong: Handler = (_, response) => response.end('1'.repeat(8 * 1024 * 1024 + 1));
  for (const handler of [text, bare, tooLong]) {
    const client = newClient(t, [await startMember(t, 'a', handler)]);
    await t.rejects(client.call('billing', 'POST', '/', {}), { code: 'INTERNAL_REPLY', http: 502 });
  }
});

await t.test('an idempotent call goes to another member after a fault of any kind', async (t) => {
  const unavailable = answer({ error: { code: 'X', message: 'x', retry: true } }, 503);
  const slow = { timeoutMs: 100 };
  for (const fault of [never, hangUp, unavailable]) {
    const [bad, good] = [
      await startMember(t, 'bad', fault),
      await startMember(t, 'good', answer('ok')),
    ];
    const client = newClient(t, [bad, good]);
    for (let i = 0; i < 2; i += 1) {
      t.equal(await client.call('billing', 'GET', '/', undefined, slow), 'ok');
      t.equal(await client.call('billing', 'POST', '/', { key: 'k' }, slow), 'ok');
      t.equal(await client.call('billing', 'POST', '/', 1, { ...slow, isIdempotent: true }), 'ok');
    }
    t.ok(bad.seen.length > 0, 'the bad member was asked');
  }
});

await t.test('a call that may have been done is not sent again', async (t) => {
  for (const [fault, code] of [
    [never, 'INTERNAL_TIMEOUT'],
    [hangUp, 'INTERNAL_UNREACHABLE'],
  ] as const) {
    const members = [await startMember(t, 'a', fault), await startMember(t, 'b', fault)];
    const client = newClient(t, members);

    await t.rejects(client.call('billing', 'POST', '/', {}, { timeoutMs: 100 }), { code });
    t.equal(members.flatMap((one) => one.seen).length, 1);
  }
});

await t.test('a call that was never sent goes on, idempotent or not', async (t) => {
  const nobody = memberAt('gone', `http://127.0.0.1:${await freePort()}`);
  const good = await startMember(t, 'good', answer('ok'));
  const client = newClient(t, [nobody, good]);

  for (let i = 0; i < 3; i += 1) t.equal(await client.call('billing', 'POST', '/', {}), 'ok');
  const alone = newClient(t, [nobody]);
  await t.rejects(alone.call('billing', 'POST', '/', {}), { code: 'INTERNAL_UNREACHABLE' });
});

await t.test('an answer that stops in the middle is a time-out', async (t) => {
  const member = await startMember(t, 'a', (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":');
  });
  const client = newClient(t, [member]);

  const call = client.call('billing', 'POST', '/', {}, { timeoutMs: 100 });

  await t.rejects(call, { code: 'INTERNAL_TIMEOUT', http: 504 });
});

await t.test('one member alone is asked up to three times', async (t) => {
  let asked = 0;
  const member = await startMember(t, 'a', (request, response, body) => {
    asked += 1;
    (asked < 3 ? hangUp : answer('third'))(request, response, body);
  });
  const client = newClient(t, [member]);

  t.equal(await client.call('billing', 'GET', '/'), 'third');
  asked = -1;
  await t.rejects(client.call('billing', 'GET', '/'), { code: 'INTERNAL_UNREACHABLE' });
});

await t.test('a refusal is not asked again, even of an idempotent call', async (t) => {
  const body = { error: { code: 'BUSY', message: 'x', retry: true } };
  const members = [
    await startMember(t, 'a', answer(body, 429)),
    await startMember(t, 'b', answer(body, 429)),
  ];
  const client = newClient(t, members);

  await t.rejects(client.call('billing', 'GET', '/'), { code: 'BUSY', http: 429, retry: true });
  t.equal(members.flatMap((one) => one.seen).length, 1);
});

await t.test('a link cut between call and answer is not an answer', async (t) => {
  const member = await startMember(t, 'a', answer('done'));
  const { port } = new URL(member.address['internal'] ?? '');
  const proxy = await startTcpProxy(t, { targetPort: Number(port) });
  const client = newClient(t, [memberAt('a', `http://127.0.0.1:${proxy.port}/`)]);
  t.equal(await client.call('billing', 'POST', '/', {}), 'done');

  proxy.stall('toClient');
  const call = client.call('billing', 'POST', '/', {}, { timeoutMs: 200 });
  await t.rejects(call, { code: 'INTERNAL_TIMEOUT' });
  await proxy.heal();

  t.equal(await client.call('billing', 'POST', '/', {}), 'done');
  t.equal(member.seen.length, 3);
});

await t.test('Fastify and uWebSockets.js verify what the client signs', async (t) => {
  const fastify = Fastify();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => {
    done(null, body);
  });
  fastify.post('/v1/x', (request) => {
    const headers = received(request.headers as Record<string, string>);
    const { method, url, body } = request;
    verifyRequest(
      { method, path: url, body: body as string, ...headers },
      { secret, nowMs: Date.now() },
    );
    return { by: 'fastify' };
  });
  t.teardown(() => fastify.close());
  const viaFastify = memberAt('f', await fastify.listen({ port: 0, host: '127.0.0.1' }));
  const viaUws = memberAt('u', `http://127.0.0.1:${await startUws(t)}`);

  for (const [member, by] of [
    [viaFastify, 'fastify'],
    [viaUws, 'uws'],
  ] as const) {
    const client = newClient(t, [member]);
    t.same(await client.call('billing', 'POST', '/v1/x?q=1', { a: 'ż' }), { by });
  }
});

async function startUws(t: Test): Promise<number> {
  const app = uws.App().post('/v1/x', (response, request) => {
    const path = `${request.getUrl()}?${request.getQuery()}`;
    const headers = {
      time: request.getHeader(TIME_HEADER),
      signature: request.getHeader(SIGNATURE_HEADER),
    };
    const chunks: Buffer[] = [];
    response.onAborted(() => undefined);
    response.onData((chunk, isLast) => {
      chunks.push(Buffer.from(Buffer.from(chunk)));
      if (!isLast) return;
      const body = Buffer.concat(chunks);
      verifyRequest({ method: 'POST', path, body, ...headers }, { secret, nowMs: Date.now() });
      response.end('{"by":"uws"}');
    });
  });
  const socket = await new Promise<uws.us_listen_socket | false>((resolve) => {
    app.listen('127.0.0.1', 0, resolve);
  });
  t.teardown(() => app.close());
  return socket === false ? 0 : uws.us_socket_local_port(socket);
}

await t.test('calls are signed with the given clock', async (t) => {
  const member = await startMember(t, 'a', answer(1));
  const client = new InternalClient({
    members: {
      list: () => [{ ...member, address: { internal: member.address['internal'] ?? '' } }],
    },
    secret,
    clock: new ManualClock(Date.now() - 30_000),
  });
  t.teardown(() => client.close());
  t.equal(await client.call('billing', 'GET', '/'), 1);
});
