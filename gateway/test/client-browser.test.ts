// The client library in a real Chromium: it falls back to SockJS under the site's content policy,
// every transport that sockjs-client has for this browser reaches the gateway, and of several tabs
// one does what only one should.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import t from 'tap';
import { build, type Rolldown } from 'vite';
import { startRedis, startTcpProxy, until } from '../../cluster/testing/index.js';
import { connectToken, roomTicket, startWorker, watch } from './worker-harness.js';

const SOCKJS = createRequire(import.meta.url).resolve('sockjs-client/dist/sockjs.min.js');
const ENTRY = `
  import { RealtimeClient, Tabs } from '${import.meta.dirname}/../client/index.ts';
  window.openTab = () => {
    window.tabs = new Tabs({ name: 'tabs of one account' });
    window.did = [];
  };
  window.start = (credentials, ticket) => {
    const loadSockJs = async () => (await import('${SOCKJS}')).default;
    const client = new RealtimeClient({ credentials: async () => credentials, loadSockJs,
      backoff: { minMs: 5, firstMs: 20, capMs: 100 }, openTimeoutMs: 1000 });
    window.client = client;
    window.texts = [];
    client.subscribe('room:page', { ticket }, { onMessage: (one) => one.kind === 'm' && texts.push(one.body.text) });
    client.connect();
  };
`;

/** The bundle as the site makes it: an entry and what it loads later, by file name. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const virtual = {
    name: 'entry',
    resolveId: (id: string) => (id === 'entry' ? '\0entry' : null),
    load: (id: string) => (id === '\0entry' ? ENTRY : null),
  };
  const built = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [virtual],
    resolve: { alias: [{ find: /^msgpackr$/, replacement: 'msgpackr/index-no-eval' }] },
    build: {
      write: false,
      rolldownOptions: {
        input: 'entry',
        output: { entryFileNames: 'entry.js', chunkFileNames: 'chunk-[name].js' },
      },
    },
  });
  const { output } = built as Rolldown.RolldownOutput;
  return new Map(
    output.flatMap((one) => (one.type === 'chunk' ? [[`/${one.fileName}`, one.code]] : [])),
  );
}

const server = await startRedis(t);
const worker = await startWorker(t, server.url, { node: 'br' });
const files = await bundle();
const policy = (more: string): string =>
  `default-src 'self'; script-src 'self'; connect-src 'self' http://127.0.0.1:* ${more}`;
const PAGES: Readonly<Record<string, string>> = {
  '/strict': policy('ws://127.0.0.1:*'),
  '/no-ws': policy(''),
  '/free': '',
};
const site = createServer((req, res) => {
  const path = req.url ?? '';
  const code = path === '/sockjs.js' ? readFileSync(SOCKJS, 'utf8') : files.get(path);
  if (code !== undefined) {
    res.writeHead(200, { 'content-type': 'text/javascript' }).end(code);
    return;
  }
  const csp = PAGES[path] ?? '';
  if (csp !== '') res.setHeader('content-security-policy', csp);
  res.setHeader('content-type', 'text/html');
  const script =
    path === '/free' ? '<script src="/sockjs.js">' : '<script type="module" src="/entry.js">';
  res.end(`<!doctype html><body>${script}</script>`);
});
await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
const siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
const browser: Browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
t.teardown(async () => {
  await browser.close();
  site.close();
  site.closeAllConnections();
});

async function openPage(path: string, script = ''): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  if (script !== '') await page.addInitScript(script);
  await page.goto(siteUrl + path);
  return { page, faults };
}

/** `page.waitForFunction` evaluates in the page, which the policy forbids. */
function holds(page: Page, condition: string): Promise<unknown> {
  const what = `in the page: ${condition}`;
  return until(() => page.evaluate<boolean>(condition), { what, everyMs: 20 });
}

for (const [name, path, script] of [
  ['WebSocket is missing', '/strict', 'delete window.WebSocket'],
  ['WebSocket is forbidden', '/no-ws', ''],
] as const) {
  t.test(`where ${name} the page chats through SockJS, and resumes`, async (t) => {
    const sub = `page-${path.slice(1)}`;
    const { page, faults } = await openPage(path, script);
    const proxy = await startTcpProxy(t, { targetPort: Number(new URL(worker.sockjsUrl).port) });
    const credentials = {
      token: connectToken(sub),
      urls: [worker.url],
      sockjsUrls: [`http://127.0.0.1:${proxy.port}/rt`],
    };
    const steady = watch(t, [worker.url], 'room:page', { sub: 'steady' });
    await until(() => steady.events.length > 0, { what: 'the other is in' });
    await holds(page, 'window.start !== undefined');
    await page.evaluate(
      `start(${JSON.stringify(credentials)}, ${JSON.stringify(roomTicket(sub, 'page'))})`,
    );
    await holds(page, "client.way === 'sockjs'");
    await page.evaluate(`client.publish('room:page', 'from ${sub}')`);
    await until(() => steady.texts().at(-1) === `from ${sub}`, { what: 'heard' });
    await steady.client.publish('room:page', `to ${sub}`);
    await holds(page, `texts.at(-1) === 'to ${sub}'`);
    await proxy.refuse();
    await holds(page, "client.state !== 'online'");
    await steady.client.publish('room:page', `missed by ${sub}`);
    await proxy.heal();
    await holds(page, `texts.at(-1) === 'missed by ${sub}'`);
    t.same(await page.evaluate('texts'), steady.texts());
    t.same(faults, []);
    await page.close();
  });
}

t.test('every transport of this browser gets through', async (t) => {
  const { page, faults } = await openPage('/free');
  const transports = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling', 'jsonp-polling'];
  for (const transport of transports) {
    const connect = JSON.stringify([{ c: 'connect', i: 1, token: connectToken(transport) }]);
    const answers = await page.evaluate<string>(`new Promise((resolve) => {
      const socket = new SockJS('${worker.sockjsUrl}', null, { transports: ['${transport}'] });
      const seen = [];
      socket.onopen = () => socket.send(${JSON.stringify(connect)});
      socket.onmessage = ({ data }) => {
        seen.push(socket.transport, data);
        if (seen.length === 2) socket.send('[{"c":"ping","i":2}]');
        else { socket.close(); resolve(JSON.stringify(seen)); }
      };
      socket.onclose = ({ code, reason }) => resolve('closed ' + code + reason);
    })`);
    t.match(answers, `["${transport}","[{\\"i\\":1,\\"r\\":{\\"node\\":\\"br\\"`);
    t.match(answers, `"[{\\"i\\":2,\\"r\\":{}}]"`, transport);
  }
  t.same(faults, []);
});

t.test(
  'of several tabs one does a thing once, also after the leading one was closed',
  async (t) => {
    // Pages of one context share Web Locks and channels, as tabs of one browser do.
    const context = await browser.newContext();
    const pages = await Promise.all([1, 2, 3].map(() => context.newPage()));
    for (const page of pages) {
      await page.goto(`${siteUrl}/strict`);
      await holds(page, 'window.openTab !== undefined');
      await page.evaluate('openTab()');
    }
    const askAll = async (among: readonly Page[], what: string): Promise<void> => {
      await Promise.all(
        among.map((page) => page.evaluate(`tabs.once('${what}', () => did.push('${what}'))`)),
      );
    };
    const doneBy = async (among: readonly Page[]): Promise<readonly string[]> =>
      (await Promise.all(among.map((page) => page.evaluate<string[]>('did')))).flat();
    const leads = (page: Page): Promise<boolean> => page.evaluate<boolean>('tabs.isLeader');

    await askAll(pages, 'first');
    await askAll(pages, 'second');
    await until(async () => (await doneBy(pages)).includes('second'), { what: 'both are done' });
    t.same(await doneBy(pages), ['first', 'second']);

    const isLeader = await Promise.all(pages.map(leads));
    t.equal(isLeader.filter(Boolean).length, 1);
    const others = pages.filter((_, at) => isLeader[at] !== true);
    const before = await doneBy(others);
    await pages[isLeader.indexOf(true)]?.close();
    await askAll(others, 'fourth');
    await askAll(others, 'third');
    const since = async (): Promise<readonly string[]> =>
      (await doneBy(others)).filter((what) => !before.includes(what));
    await until(async () => (await since()).length >= 2, { what: 'the next one leads' });
    t.same([...(await since())].sort(), ['fourth', 'third']);
    await context.close();
  },
);
