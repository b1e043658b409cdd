// Scripts as values: the header is the contract, EVALSHA is what runs, and a missing script is
// handled as the owner wants it: sent again, or taken as the sign of a new server.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { connectRedis, closeRedis } from '../redis.js';
import { defineScript, NoScriptError, parseHeader, type Script } from '../script.js';
import { silentLog, startRedis, startRedisCluster } from '../testing/index.js';

const HEADER = `-- add-up: adds a number to a counter
-- KEYS[1] counter  string
-- ARGV[1] amount  whole number
-- Returns: the new value
-- Writes: counter
-- Cost: O(1)
`;
const BODY = "return redis.call('INCRBY', KEYS[1], ARGV[1])\n";

await t.test('a header gives name, key count and argument count', (t) => {
  t.same(parseHeader(HEADER + BODY, 'add-up'), {
    name: 'add-up',
    keyCount: 1,
    hasOpenKeys: false,
    argvMin: 1,
    argvMax: 1,
  });
  const open = HEADER.replace('ARGV[1] amount', 'ARGV[1...] amounts');
  t.match(parseHeader(`${open}return {KEYS[1], unpack(ARGV)}`, 'add-up'), {
    argvMin: 0,
    argvMax: Infinity,
  });
  const many = HEADER.replace('KEYS[1] counter', 'KEYS[1...] counters');
  t.match(parseHeader(`${many}return {ARGV[1], #KEYS}`, 'add-up'), {
    keyCount: 1,
    hasOpenKeys: true,
  });
  t.end();
});

await t.test('a body that disagrees with its header is refused with file and index', (t) => {
  const without = (line: RegExp): string => HEADER.replace(line, '');
  const cases: [string, RegExp][] = [
    [HEADER + BODY + 'return KEYS[2]', /add-up\.lua: body uses KEYS\[2\]/],
    [HEADER + BODY + 'return ARGV[2]', /body uses ARGV\[2\]/],
    [`${HEADER}return KEYS[1]`, /declares ARGV\[1\], which the body never uses/],
    [`${HEADER}return ARGV[1] -- KEYS[1]`, /declares KEYS\[1\], which the body never uses/],
    [
      `${HEADER}return {KEYS[1], ARGV[1], unpack(ARGV)}`,
      /walks ARGV, the header declares a fixed list/,
    ],
    [`${HEADER}return {KEYS[1], ARGV[1], #KEYS}`, /walks KEYS/],
    [without(/-- add-up.*\n/) + BODY, /header must start with/],
    [HEADER.replace('add-up', 'add-down') + BODY, /header must start with/],
    [without(/-- Returns.*\n/) + BODY, /no "Returns:" line/],
    [without(/-- Writes.*\n/) + BODY, /no "Writes:" line/],
    [without(/-- Cost.*\n/) + BODY, /no "Cost:" line/],
    [HEADER.replace('ARGV[1]', 'ARGV[2]') + BODY, /ARGV\[2\] is out of order/],
  ];
  for (const [source, message] of cases) t.throws(() => parseHeader(source, 'add-up'), { message });
  t.end();
});

function writeScript(
  t: Test,
  name: string,
  source: string,
  includes: Record<string, string> = {},
): URL {
  const dir = t.testdir();
  mkdirSync(join(dir, 'includes'));
  writeFileSync(join(dir, `${name}.lua`), source);
  for (const [file, text] of Object.entries(includes)) {
    writeFileSync(join(dir, 'includes', `${file}.lua`), text);
  }
  return pathToFileURL(join(dir, `${name}.lua`));
}

function addUp(
  t: Test,
  onMissing: 'load' | 'fence',
): Script<{ key: string; amount: number }, number> {
  return defineScript({
    file: writeScript(t, 'add-up', HEADER + BODY),
    encode: ({ key, amount }) => ({ keys: [key], argv: [amount] }),
    decode: Number,
    onMissing,
  });
}

async function connect(t: Test, url: string) {
  const redis = await connectRedis(url, { role: 'command', name: 'scripts', log: silentLog });
  t.teardown(() => closeRedis(redis));
  return redis;
}

await t.test('a script is sent once and then called by its digest', async (t) => {
  const server = await startRedis(t);
  const redis = await connect(t, server.url);
  const script = addUp(t, 'load');

  t.equal(await script.run(redis, { key: 'n', amount: 2 }), 2);
  t.equal(await script.run(redis, { key: 'n', amount: 3 }), 5);
  const stats = await server.client().info('commandstats');

  t.match(stats, /cmdstat_eval:calls=1,/);
  t.match(stats, /cmdstat_evalsha:calls=2,/);
});

await t.test(
  'fence: a server without the script is a new one, until the owner loads it',
  async (t) => {
    const server = await startRedis(t);
    const redis = await connect(t, server.url);
    const script = addUp(t, 'fence');
    const run = (): Promise<number> => script.run(redis, { key: 'n', amount: 1 });

    await t.rejects(run(), new NoScriptError('add-up'));
    t.equal(await server.client().exists('n'), 0);
    await script.load(server.client());
    t.equal(await run(), 1);

    await server.client().script('FLUSH');
    await t.rejects(run(), NoScriptError);
    await server.restart();
    await t.rejects(run(), NoScriptError);
  },
);

await t.test('calls that disagree with the header never reach the server', async (t) => {
  const { url } = await startRedis(t);
  const redis = await connect(t, url);
  const file = writeScript(t, 'add-up', HEADER + BODY);
  const define = (keys: string[], argv: string[]) =>
    defineScript<null, unknown>({ file, encode: () => ({ keys, argv }), decode: (reply) => reply });

  await t.rejects(define([], ['1']).run(redis, null), { message: /takes 1 keys, got 0/ });
  await t.rejects(define(['a'], []).run(redis, null), {
    message: /takes 1 or more arguments, got 0/,
  });
  await t.rejects(define(['a'], ['1', '2']).run(redis, null), { message: /got 2/ });
  await t.rejects(define(['a'], ['x']).run(redis, null), { message: /not an integer/ });
});

await t.test('an include is pasted in once, at its place', async (t) => {
  const { url } = await startRedis(t);
  const redis = await connect(t, url);
  const source = `${HEADER}-- @include math\n-- @include math\nreturn double(ARGV[1]) .. KEYS[1]\n`;
  const math = '-- Arithmetic.\nlocal function double(x)\n  return x * 2\nend\n';
  const script = defineScript<number, string>({
    file: writeScript(t, 'add-up', source, { math }),
    encode: (n) => ({ keys: ['k'], argv: [n] }),
    decode: String,
  });

  t.equal(await script.run(redis, 21), '42k');
  t.equal(script.body.split('function double').length, 2);
});

await t.test('bytes pass unharmed in both directions when asked for', async (t) => {
  const { url } = await startRedis(t);
  const redis = await connect(t, url);
  const script = defineScript<Buffer, Buffer>({
    file: writeScript(t, 'echo', HEADER.replace('add-up', 'echo') + 'return ARGV[1] .. KEYS[1]'),
    encode: (bytes) => ({ keys: [''], argv: [bytes] }),
    decode: (reply) => reply as Buffer,
    isBinary: true,
  });
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

  t.ok((await script.run(redis, bytes)).equals(bytes));
});

await t.test('on a Cluster each call goes to the node of its keys', async (t) => {
  const cluster = await startRedisCluster(t);
  const redis = await connect(t, cluster.url);
  const script = addUp(t, 'load');
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    t.equal(await script.run(redis, { key, amount: 1 }), 1);
    t.equal(await script.run(redis, { key, amount: 1 }), 2);
  }
  const sizes = await Promise.all(cluster.nodes.map((node) => node.client().dbsize()));
  t.equal(
    sizes.reduce((a, b) => a + b),
    5,
  );
  t.ok(sizes.filter((size) => size > 0).length > 1);
});
