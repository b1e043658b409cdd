// The client on networks that break WebSockets: it goes to SockJS by itself and comes back later.
import SockJS from 'sockjs-client';
import t from 'tap';
import { WebSocket } from 'ws';
import { startRedis, startTcpProxy, until, type TestScope } from '../../cluster/testing/index.js';
import { WayChooser } from '../client/way.js';
import type { SockJsConstructor, WebSocketConstructor } from '../client/index.js';
import { connectToken, startWorker, watch } from './worker-harness.js';

const server = await startRedis(t);
const worker = await startWorker(t, server.url, { node: 'fb' });
const loadSockJs = (): Promise<SockJsConstructor> =>
  Promise.resolve(SockJS as unknown as SockJsConstructor);

/** A client that knows both ways; its WebSockets go through a proxy. */
async function startBoth(scope: TestScope, room: string, sub: string) {
  const proxy = await startTcpProxy(scope, { targetPort: worker.port });
  const credentials = () =>
    Promise.resolve({
      token: connectToken(sub),
      urls: [`ws://127.0.0.1:${proxy.port}`],
      sockjsUrls: [worker.sockjsUrl],
    });
  return {
    proxy,
    open: (Socket: WebSocketConstructor = WebSocket) =>
      watch(scope, [], room, {
        sub,
        credentials,
        loadSockJs,
        WebSocket: Socket,
        webSocketRetryMs: 50,
        callTimeoutMs: 300,
        openTimeoutMs: 500,
      }),
  };
}

t.test('refused WebSockets: SockJS after two attempts, back when they work again', async (t) => {
  const room = 'room:refused';
  const steady = watch(t, [worker.url], room, { sub: 'steady' });
  const { proxy, open } = await startBoth(t, room, 'mover');
  await proxy.refuse();
  const mover = open();
  await until(() => mover.client.way === 'sockjs', { what: 'on SockJS' });
  await until(() => mover.events.length > 0 && steady.events.length > 0, { what: 'both are in' });
  const states: string[] = [];
  mover.client.on('state', (state) => states.push(state));
  await mover.client.publish(room, 'one');
  await steady.client.publish(room, 'two');
  await proxy.heal();
  await until(() => mover.client.way === 'websocket', { what: 'back on WebSocket' });
  await steady.client.publish(room, 'three');
  await mover.client.publish(room, 'four');
  await until(() => mover.texts().length === 4, { what: 'all' });
  t.same(mover.texts(), ['one', 'two', 'three', 'four']);
  t.same(states, [], 'the change of way is not noticed');
  t.notOk(mover.events.includes('lost'));
  await proxy.refuse();
  await steady.client.publish(room, 'five');
  await until(() => mover.client.way === 'sockjs', { what: 'on SockJS again' });
  await until(() => mover.texts().length === 5, { what: 'nothing is lost' });
});

/** Opens, and nothing that is sent arrives: as behind a proxy that only passes the handshake. */
class MuteWebSocket extends WebSocket {
  override send(): void {
    // Swallowed.
  }
}

/** … nor anything that the server sends. */
class EmptyWebSocket extends MuteWebSocket {
  override addEventListener(...[type, listener]: Parameters<WebSocket['addEventListener']>): void {
    if (type !== 'message') super.addEventListener(type, listener);
  }
}

t.test('WebSockets that open and then stay empty count as failed', async (t) => {
  const { open } = await startBoth(t, 'room:empty', 'empty');
  const mover = open(EmptyWebSocket);
  await until(() => mover.client.way === 'sockjs', { what: 'on SockJS' });
  await until(() => mover.events.length > 0, { what: 'in the room' });
  t.same(mover.events, ['ready']);
});

t.test('so do those that take a handshake, and nothing that is said later', async (t) => {
  const { open } = await startBoth(t, 'room:mute', 'mute');
  const mover = open(MuteWebSocket);
  await until(() => mover.events.length > 0, { what: 'in the room with the handshake' });
  t.equal(mover.client.way, 'websocket');
  await mover.client.publish('room:mute', 'can you hear me?');
  t.equal(mover.client.way, 'sockjs');
  await until(() => mover.texts().length > 0, { what: 'the message' });
  t.same(mover.texts(), ['can you hear me?']);
});

t.test('a platform without WebSocket uses SockJS; without either it says so', async (t) => {
  const own = globalThis as { WebSocket?: unknown };
  const { WebSocket: before } = own;
  t.teardown(() => (own.WebSocket = before));
  own.WebSocket = undefined;
  const credentials = () =>
    Promise.resolve({ token: connectToken('n'), urls: [], sockjsUrls: [worker.sockjsUrl] });
  const options = { sub: 'n', credentials, loadSockJs };
  const one = watch(t, [], 'room:none', { ...options, WebSocket: undefined as never });
  await until(() => one.client.way === 'sockjs', { what: 'on SockJS' });
  t.throws(() => watch(t, [], 'room:none', { sub: 'n', WebSocket: undefined as never }), {
    message: /Pass `WebSocket`/,
  });
});

t.test("a gateway's own refusal is no reason to change the way", async (t) => {
  const reasons: string[] = [];
  const one = watch(t, [], 'room:x', {
    sub: 'x',
    loadSockJs,
    credentials: () =>
      Promise.resolve({ token: 'bad', urls: [worker.url], sockjsUrls: [worker.sockjsUrl] }),
  });
  one.client.on('state', (state, reason) => reasons.push(`${state} ${reason}`));
  await until(() => one.client.state === 'closed', { what: 'gives up' });
  t.match(reasons.at(-1), /bad_token/);
});

t.test('ways alternate after failures, and only where there are two', (t) => {
  const ways = new WayChooser(2);
  ways.failed('websocket', true);
  t.equal(ways.next, 'websocket');
  ways.failed('websocket', true);
  t.equal(ways.next, 'sockjs');
  ways.failed('websocket', true);
  ways.failed('sockjs', true);
  t.equal(ways.next, 'sockjs', 'a failed try of WebSocket changes nothing');
  ways.failed('sockjs', true);
  t.equal(ways.next, 'websocket');
  const only = new WayChooser(1);
  only.failed('websocket', false);
  t.equal(only.next, 'websocket');
  ways.failed('websocket', true);
  ways.connected('websocket');
  ways.failed('websocket', true);
  t.equal(ways.next, 'websocket', 'a success counts anew');
  t.end();
});
