// What `npm start` understands and plans, and that its children are kept running and leave nothing.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { startChildServer } from '../../cluster/index.js';
import { freePort, until } from '../../cluster/testing/index.js';
import { parseLocalOptions } from '../local-options.js';
import { localPorts, rolePlans, wantedPorts } from '../local-plan.js';
import { Supervisor } from '../supervisor.js';

const SECRETS = { token: 'a'.repeat(32), internal: 'b'.repeat(32), mariadbPassword: 'c' };
const URLS = { realtimeRedis: 'redis://r', billingRedis: 'redis://b', mysql: 'mysql://m/' };

function optionsOf(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseLocalOptions(argv, env);
  if (!parsed.ok) throw new Error(parsed.problems.join('; '));
  return parsed.options;
}

t.test('flags win over the environment, which wins over defaults', (t) => {
  t.match(optionsOf([]), { port: 8080, gateways: 2, isDemo: true, mysqlUrl: undefined });
  const env = { SHOWBILL_PORT: '9000', SHOWBILL_GATEWAYS: '3', SHOWBILL_DEMO: 'false' };
  t.match(optionsOf([], env), { port: 9000, gateways: 3, isDemo: false });
  const flags = ['--port', '9100', '--gateways=4', '--no-demo', '--data', '/tmp/x'];
  t.match(optionsOf(flags, env), { port: 9100, gateways: 4, isDemo: false, dataDir: '/tmp/x' });
  t.equal(optionsOf([], { MYSQL_URL: 'mysql://db/' }).mysqlUrl, 'mysql://db/');
  t.end();
});

t.test('all wrong options are named at once', (t) => {
  const parsed = parseLocalOptions(['--port', '0', '--colour', '--data'], {
    SHOWBILL_GATEWAYS: '11',
  });
  t.equal(parsed.ok, false);
  const text = parsed.ok ? '' : parsed.problems.join('\n');
  for (const name of ['--port=0', '--colour', '--data', 'SHOWBILL_GATEWAYS=11']) {
    t.ok(text.includes(name), name);
  }
  t.end();
});

t.test('every port follows from the base, none twice', (t) => {
  const options = optionsOf(['--gateways', '10']);
  const wanted = wantedPorts(localPorts(9_000, 10), options).map(([port]) => port);
  t.equal(new Set(wanted).size, wanted.length);
  t.ok(wanted.every((port) => port >= 9_000 && port <= 9_059));
  const own = optionsOf([], { MYSQL_URL: 'mysql://db/', BILLING_REDIS_URL: 'redis://x' });
  t.equal(wantedPorts(localPorts(9_000, 2), own).length, 16 - 2 + 1);
  t.end();
});

t.test('each role gets its own name and private port, and the same secrets', (t) => {
  const plans = rolePlans(optionsOf([]), localPorts(8_080, 2), URLS, SECRETS);
  t.same(
    plans.map(({ name }) => name),
    ['billing-1', 'rtmp-1', 'gateway-1', 'gateway-2', 'web-1'],
  );
  t.equal(new Set(plans.map(({ opsPort }) => opsPort)).size, plans.length);
  t.ok(plans.every(({ env }) => env['TOKEN_SECRET'] === SECRETS.token));
  t.not(plans[2]?.env['GATEWAY_PRIVATE_PORT'], plans[3]?.env['GATEWAY_PRIVATE_PORT']);
  t.end();
});

t.test('a child that dies is started again, and stays down after stop', async (t) => {
  const lines: string[] = [];
  const supervisor = new Supervisor({
    name: 'sleeper',
    report: (line) => lines.push(line),
    start: () =>
      startChildServer({
        name: 'sleeper',
        programs: [process.execPath],
        debianPackage: 'nodejs',
        args: ['-e', 'setInterval(() => undefined, 1000)'],
        port: 0,
        portBusyPattern: /(?!)/,
        isReady: () => Promise.resolve(true),
      }),
  });
  t.teardown(() => supervisor.stop());
  await supervisor.start();
  const first = supervisor.pid ?? 0;
  process.kill(first, 'SIGKILL');
  const second = await until(() => (supervisor.pid === first ? 0 : supervisor.pid), {
    what: 'another process has taken over',
  });
  t.match(lines[0], /sleeper ended \(SIGKILL\), starting it again/);

  await supervisor.stop();
  t.throws(() => process.kill(second, 0), { code: 'ESRCH' });
});

t.test('a child that is just being started again is stopped without waiting for it', async (t) => {
  let starts = 0;
  const supervisor = new Supervisor({
    name: 'slow starter',
    report: () => undefined,
    start: (signal) => {
      starts += 1;
      const isFirst = starts === 1;
      return startChildServer({
        name: 'slow starter',
        programs: [process.execPath],
        debianPackage: 'nodejs',
        args: ['-e', 'setInterval(() => undefined, 1000)'],
        port: 0,
        portBusyPattern: /(?!)/,
        isReady: () => Promise.resolve(isFirst),
        readyDeadlineMs: 3_600_000,
        signal,
      });
    },
  });
  t.teardown(() => supervisor.stop());
  await supervisor.start();
  process.kill(supervisor.pid ?? 0, 'SIGKILL');
  await until(() => starts === 2, { what: 'it is being started again' });
  await supervisor.stop();
  t.equal(supervisor.pid, undefined);
});

t.test('a busy port is one line that names the setting', async (t) => {
  const port = await freePort();
  const blocker = createServer().listen(port, '0.0.0.0');
  t.teardown(() => blocker.close());
  await until(() => blocker.listening, { what: 'the port is taken' });
  const entry = join(import.meta.dirname, '../local.ts');
  const child = spawn(
    process.execPath,
    ['--import=tsx', entry, '--port', String(port), '--data', t.testdir()],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 2);
  t.equal(output.trim().split('\n').length, 1);
  t.match(output, new RegExp(`port ${port} for the site is taken.*--port \\(SHOWBILL_PORT\\)`));
});
