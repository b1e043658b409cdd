// Metrics: the naming convention is enforced where a metric is made, and the private port serves
// them.
import { get } from 'node:http';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { createMetrics, metricProblem } from '../metrics.js';
import { startOpsServer } from '../ops-server.js';

await t.test('names and labels outside the convention are refused', (t) => {
  const good: [Parameters<typeof metricProblem>[0], string][] = [
    ['counter', 'showbill_gateway_messages_received_total'],
    ['gauge', 'showbill_gateway_sessions'],
    ['gauge', 'showbill_gateway_send_queue_bytes'],
    ['histogram', 'showbill_billing_script_seconds'],
  ];
  const bad: [Parameters<typeof metricProblem>[0], string, string[]?][] = [
    ['counter', 'gateway_messages_total'],
    ['counter', 'showbill_messages'],
    ['counter', 'showbill_gateway_messages'],
    ['gauge', 'showbill_gateway_sessions_total'],
    ['gauge', 'showbill_gateway_Sessions'],
    ['histogram', 'showbill_gateway_delay_ms'],
    ['counter', 'showbill_gateway_spent_milliseconds_total'],
    ['gauge', 'showbill_rtmp_cpu_percent'],
    ['gauge', 'showbill_gateway_sessions', ['room']],
    ['counter', 'showbill_gateway_messages_total', ['kind', 'user']],
  ];
  for (const [kind, name] of good) t.equal(metricProblem(kind, name, ['kind']), undefined, name);
  for (const [kind, name, labels = []] of bad)
    t.type(metricProblem(kind, name, labels), 'string', name);

  const metrics = createMetrics('test', { process: false });
  t.throws(() => metrics.gauge({ name: 'showbill_x_delay_ms', help: 'H.' }), {
    code: 'ERR_ASSERTION',
  });
  t.end();
});

await t.test('each process has its registry, its role as a label and its own values', async (t) => {
  const [one, two] = [createMetrics('gateway'), createMetrics('web', { process: false })];
  const counter = one.counter({ name: 'showbill_x_seen_total', help: 'Seen.', labels: ['kind'] });
  two.counter({ name: 'showbill_x_seen_total', help: 'Seen.' });
  one.gauge({
    name: 'showbill_x_open',
    help: 'Open.',
    collect() {
      this.set(7);
    },
  });
  one.histogram({ name: 'showbill_x_seconds', help: 'Time.', buckets: [0.1, 1] }).observe(0.5);
  counter.inc({ kind: 'chat' }, 3);

  const text = await one.registry.metrics();
  t.match(text, 'showbill_x_seen_total{kind="chat",role="gateway"} 3');
  t.match(text, 'showbill_x_open{role="gateway"} 7');
  t.match(text, 'showbill_x_seconds_bucket{le="1",role="gateway"} 1');
  t.match(text, /process_resident_memory_bytes\{role="gateway"\} \d+/);
  t.match(
    await two.registry.metrics(),
    'showbill_x_seen_total{role="web"} 0',
    'counters start at zero',
  );
});

async function startServer(
  t: Test,
  isReady: Parameters<typeof startOpsServer>[0]['isReady'] = () => ({ ready: true, reasons: [] }),
) {
  const { registry } = createMetrics('test', { process: false });
  const server = await startOpsServer({ port: 0, host: '127.0.0.1', registry, isReady });
  t.teardown(() => server.close());
  return { server, url: `http://127.0.0.1:${server.port}`, registry };
}

await t.test('the private port answers metrics, health and nothing else', async (t) => {
  const { url, server } = await startServer(t);
  const metrics = await fetch(`${url}/metrics`);
  const health = await fetch(`${url}/healthz?verbose`);

  t.ok(server.port > 0);
  t.equal(metrics.status, 200);
  t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.same([health.status, await health.json()], [200, { alive: true, pid: process.pid }]);
  t.equal(health.headers.get('cache-control'), 'no-store');
  t.equal((await fetch(`${url}/`)).status, 404);
});

await t.test(
  'readiness is 200 when ready, 503 with reasons when not, 500 when it cannot tell',
  async (t) => {
    const answers = [
      { ready: true, reasons: [] },
      { ready: false, reasons: ['member registry: new', 'draining'] },
    ];
    const { url } = await startServer(t, () => {
      const next = answers.shift();
      if (next === undefined) throw new Error('broken probe');
      return next;
    });

    const replies = [await fetch(`${url}/readyz`), await fetch(`${url}/readyz`)];
    t.same(await Promise.all(replies.map(async (one) => [one.status, await one.json()])), [
      [200, { ready: true, reasons: [] }],
      [503, { ready: false, reasons: ['member registry: new', 'draining'] }],
    ]);
    const broken = await fetch(`${url}/readyz`);
    t.same([broken.status, await broken.text()], [500, 'broken probe\n']);
  },
);

await t.test('a busy port is EADDRINUSE; closing does not wait for idle connections', async (t) => {
  const { server, registry } = await startServer(t);
  const isReady = () => ({ ready: true, reasons: [] });
  const again = startOpsServer({ port: server.port, host: '127.0.0.1', registry, isReady });
  await t.rejects(again, { code: 'EADDRINUSE' });

  const idle = connect(server.port, '127.0.0.1');
  idle.on('error', () => undefined);
  await new Promise((resolve) => idle.once('connect', resolve));
  await server.close();
  const refused = await new Promise((resolve) => {
    get(`http://127.0.0.1:${server.port}/healthz`, resolve).on('error', resolve);
  });
  t.match(refused, { code: 'ECONNREFUSED' });
  idle.destroy();
});
