// The client library of the gateway, for browsers and for Node 20 or later; depends on msgpackr
// only.
//
//   const client = new RealtimeClient({
//     credentials: async () => { token, urls, sockjsUrls }, // POST /api/v1/realtime/ticket
//     WebSocket,                                // where there is no global one (Node 20: `ws`)
//     loadSockJs: () => import('sockjs-client'),  // used when WebSocket cannot be opened
//   });
//   client.on('state', (state, reason) => …);     // idle, connecting, online, waiting, closed
//   const room = client.subscribe('room:42', { ticket: () => enterRoom() }, {
//     onMessage: ({ kind, body, offset, ts, mid, isBacklog }) => …,   // once each, in order
//     onReady: ({ level, recovered }) => …,
//     onLost: () => …,                            // a hole that nobody can fill any more
//     onEnd: (reason) => …,                       // refused, evicted, cut off
//   });
//   client.connect();
//   await client.publish('room:42', 'hello');     // { offset, epoch, ts }; kept over lost links
//   const { held, approve, presence, setGoal } = roomCalls(client, 'room:42');
//   room.unsubscribe(); client.close();
//
// Of several tabs of one browser one shows a toast, the one that is looked at:
//
//   const tabs = new Tabs({ name: `user ${id}` });
//   tabs.once(mid, () => showToast(…));           // called in every tab, run in one
//
// A ticket given as a string is used once; a function is asked for another when the server wants
// one. The sender's own message arrives through onMessage like every other, with the mid that was
// published.
export { type BackoffOptions, reconnectPause } from './backoff.js';
export { ChannelReader, type ReceivedMessage, type Verdict } from './channel-reader.js';
export { type ClientEvents, type ClientOptions, RealtimeClient } from './client.js';
export { RealtimeError, type RealtimeErrorCode } from './errors.js';
export type { ClientState, Credentials } from './link.js';
export { type Caller, type ModerationAct, roomCalls, type RoomCalls } from './room-calls.js';
export type {
  SubscribeOptions,
  Subscription,
  SubscriptionHandlers,
  TicketSource,
} from './subscription.js';
export { type TabChannel, type TabLocks, Tabs, type TabsOptions } from './tabs.js';
export type { SockJsConstructor, Way } from './way.js';
export type { SocketEvent, WebSocketConstructor, WebSocketLike } from './web-socket.js';
