// The page's one connection to the realtime gateways: who we are decides the ticket, pages join and
// leave channels, and the member's own channel (balance, notifications, cut-offs) is always on. The
// client library keeps order and reconnects.
import type {
  ClientState,
  Credentials,
  RealtimeClient,
  ReceivedMessage,
  SockJsConstructor,
  Subscription,
  Tabs,
} from '../../../../gateway/client/index.js';
import { fetchRealtimeTicket } from '../api/realtime.js';
import { applyBalance, keepSessionFresh, sessionStore } from '../session/session.js';
import type { Session } from '../session/session.js';
import { matchRoute } from '../router/router.js';
import { createStore } from '../state/store.js';

export type { ReceivedMessage };
export type RealtimeStatus = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'closed';

export interface RealtimeState {
  status: RealtimeStatus;
  /** Node id of the gateway in use. */
  node?: string;
  /** Why the gateway closed the connection for good; a reason of the rt1 protocol. */
  reason?: string | undefined;
}

export interface ChannelHandlers {
  /** Asked whenever the gateway wants a (new) room ticket. */
  ticket?: () => Promise<string>;
  onMessage: (message: ReceivedMessage) => void;
  /** In the channel, for the first time or again. `level` is what we may do there. */
  onJoined?: (answer: { level: string; recovered: boolean }) => void;
  /** Messages were missed that nobody can deliver any more. */
  onLost?: () => void;
  /** Refused, evicted or cut off. */
  onEnd?: (reason: string) => void;
}

/** What a member is told at once; `kind` says about what, such as `private-over`. */
export interface News {
  /** The same in every tab. */
  id: string;
  kind: string;
  title: string;
  /** Where there is more of it, as it came; '' = nowhere. */
  link: string;
}

export interface Joined {
  leave: () => void;
}

export const realtimeStore = createStore<RealtimeState>({ status: 'idle' });

interface Member {
  channel: string;
  handlers: ChannelHandlers;
  subscription?: Subscription;
}

const members = new Set<Member>();
const newsListeners = new Set<(news: News) => void>();
const controlListeners = new Set<(body: Readonly<Record<string, unknown>>) => void>();
let client: RealtimeClient | undefined;
/** The tabs in which this member is signed in. */
let tabs: Tabs | undefined;
/**
 * Grows with every change of identity, so that a client that was still being loaded is not used.
 */
let generation = 0;

function showStatus(state: ClientState, reason: string, hadConnected: boolean): void {
  const status: RealtimeStatus =
    state === 'online'
      ? 'online'
      : state === 'closed' || state === 'idle'
        ? 'closed'
        : hadConnected
          ? 'reconnecting'
          : 'connecting';
  realtimeStore.update((now) => ({
    ...now,
    status,
    reason: status === 'closed' ? reason : undefined,
  }));
}

function subscribe(member: Member): void {
  if (!client) return;
  const { channel, handlers } = member;
  member.subscription = client.subscribe(
    channel,
    handlers.ticket ? { ticket: handlers.ticket } : {},
    {
      onMessage: handlers.onMessage,
      onReady: ({ level, recovered }) => handlers.onJoined?.({ level, recovered }),
      onLost: () => handlers.onLost?.(),
      onEnd: (reason) => handlers.onEnd?.(reason),
    },
  );
}

/** Joins a channel for as long as `leave` is not called, over reconnects and changes of gateway. */
export function joinChannel(channel: string, handlers: ChannelHandlers): Joined {
  const member: Member = { channel, handlers };
  members.add(member);
  subscribe(member);
  return {
    leave: () => {
      members.delete(member);
      member.subscription?.unsubscribe();
    },
  };
}

/** Control messages of the member's own channel, such as a cut-off. */
export function onControl(listener: (body: Readonly<Record<string, unknown>>) => void): () => void {
  controlListeners.add(listener);
  return () => controlListeners.delete(listener);
}

/**
 * Resolves with the place of the message in the channel; rejects with the reason of the gateway.
 */
export async function say(
  channel: string,
  message: { text: string; mid: string; reply?: number | undefined },
): Promise<{ offset: number; state?: string }> {
  if (!client) throw new Error('There is no connection yet.');
  return await client.publish(channel, message.text, message.mid, message.reply);
}

/** One page of messages before `before`, oldest first; foreign input for `readLine`. */
export async function readHistory(
  channel: string,
  before: number,
  limit: number,
): Promise<readonly unknown[]> {
  if (!client) throw new Error('There is no connection yet.');
  const { msgs } = await client.call({ c: 'hist', ch: channel, before, limit });
  return Array.isArray(msgs) ? (msgs as unknown[]) : [];
}

export interface Presence {
  /** Everybody who is listed, strangers too. */
  count: number;
  /** Those with a name; a capped list. */
  users: { id: string; name: string; level: string }[];
}

function readPerson(row: unknown): Presence['users'] {
  if (!Array.isArray(row)) return [];
  const [id, name, level] = row as unknown[];
  const isWhole = typeof id === 'string' && typeof name === 'string' && typeof level === 'string';
  return isWhole ? [{ id, name, level }] : [];
}

/** Who is in a room that this page has joined. */
export async function fetchPresence(channel: string): Promise<Presence> {
  if (!client) throw new Error('There is no connection yet.');
  const { count, users } = await client.call({ c: 'pres', ch: channel });
  const rows = Array.isArray(users) ? (users as unknown[]).flatMap(readPerson) : [];
  return { count: typeof count === 'number' ? count : rows.length, users: rows };
}

/** Something new for this member; the whole of it, the site tells. */
export function onNews(listener: (news: News) => void): () => void {
  newsListeners.add(listener);
  return () => newsListeners.delete(listener);
}

/** Runs `work` in one of the member's tabs that ask for the same `what`: the one looked at. */
export function inOneTab(what: string, work: () => void): void {
  if (tabs) tabs.once(what, work);
  else work();
}

export function newMid(): string {
  return crypto.randomUUID();
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function onOwnMessage({ kind, body, mid, version, isBacklog }: ReceivedMessage): void {
  // The backlog is in the list that the page has read at sign-in.
  if (kind === 'n' && !isBacklog) {
    const [title, link] = [textOf(body['title']), textOf(body['link'])];
    const news = { id: mid, kind: textOf(body['kind']), title, link };
    for (const listener of [...newsListeners]) listener(news);
  }
  if (kind === 'b') applyBalance(version === undefined ? body : { version, ...body });
  if (kind === 'x') for (const listener of [...controlListeners]) listener(body);
}

/** The room of the page, which the gateways are chosen for. */
function openRoom(): string | undefined {
  const route = matchRoute(location.pathname, location.search);
  return route.page === 'room' && route.slug.length <= 30 ? route.slug : undefined;
}

async function credentials(): Promise<Credentials> {
  await keepSessionFresh();
  const { token, urls, sockjsUrls } = await fetchRealtimeTicket(openRoom());
  return { token, urls, sockjsUrls };
}

/** Fetched only where WebSocket does not work. */
async function loadSockJs(): Promise<SockJsConstructor> {
  const { default: SockJs } = await import('sockjs-client/dist/sockjs.min.js');
  return SockJs;
}

function listen(current: RealtimeClient): void {
  let hadConnected = false;
  current.on('state', (state, reason) => {
    if (current === client) showStatus(state, reason, hadConnected);
  });
  current.on('connected', (result) => {
    hadConnected = true;
    if (current !== client) return;
    document.documentElement.dataset['gateway'] = result.node;
    realtimeStore.update((now) => ({ ...now, node: result.node }));
  });
}

async function connectAs(userId: string | undefined): Promise<void> {
  const mine = ++generation;
  client?.close();
  client = undefined;
  tabs?.close();
  tabs = undefined;
  realtimeStore.set({ status: 'connecting' });
  const { RealtimeClient, Tabs } = await import('../../../../gateway/client/index.js');
  if (mine !== generation) return;
  client = new RealtimeClient({ credentials, loadSockJs });
  listen(client);
  if (userId !== undefined) {
    tabs = new Tabs({ name: `showbill user ${userId}` });
    client.subscribe(`user:${userId}`, {}, { onMessage: onOwnMessage });
  }
  for (const member of members) subscribe(member);
  client.connect();
}

/** Once more after the gateway closed the connection for good, as when other tabs were too many. */
export function reconnect(): void {
  connectAs(sessionStore.get().user?.id).catch(() => realtimeStore.set({ status: 'closed' }));
}

function identity(session: Session): string | undefined {
  return session.state === 'starting' ? undefined : (session.user?.id ?? 'anonymous');
}

/**
 * Follows the session: connects once it is known who we are, and again as somebody else after login
 * or logout.
 */
export function startRealtime(): void {
  let known: string | undefined;
  const follow = (): void => {
    const session = sessionStore.get();
    const next = identity(session);
    if (next === undefined || next === known) return;
    known = next;
    reconnect();
  };
  sessionStore.subscribe(follow);
  follow();
  window.addEventListener('online', () => client?.wake());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') client?.wake();
  });
}
