// One visit to one room: entering, the paid offer, the realtime channel, cut-offs, leaving. Owned
// by the room page, which calls `start` and `stop`. Invariant: at most one channel is joined, and
// only inside the room.
import { enterRoom, fetchRoom, leaveRoom, renewPlaylist, resolveHls } from '../api/rooms.js';
import type { Acceptance, Entry, Room } from '../api/rooms.js';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';
import { asFields, asText } from '../chat/chat-wire.js';
import { joinChannel, newMid, onControl } from '../realtime/realtime.js';
import type { Joined, ReceivedMessage } from '../realtime/realtime.js';
import { keepSessionFresh, sessionStore } from '../session/session.js';
import { createStore } from '../state/store.js';
import { applyTerms, isPaid } from './room-terms.js';
import { isKnownCut, readOffer, reasonOfEnd } from './room-state.js';
import type { Offer, RoomState } from './room-state.js';
import { readGoal, readLeaders } from './room-values.js';

export interface VisitEvents {
  onMessage: (message: ReceivedMessage) => void;
  onLost: () => void;
  /** A moderator has turned down a message of ours. */
  onDenied: (reason: string | undefined) => void;
  /** The house moves everybody, or this visitor, to another room. */
  onRedirect: (slug: string) => void;
}

const retryMs = 3000;

export class RoomVisit {
  readonly store = createStore<RoomState>({ phase: { at: 'loading' } });
  private channel: Joined | undefined;
  private lobby: Joined | undefined;
  private stopControl: (() => void) | undefined;
  private timer: number | undefined;
  private isStopped = false;
  /** A ticket is good for one join; the first one comes with the entry itself. */
  private unusedTicket: string | undefined;
  /** Set while a paid visit runs: repeating the entry with it continues the same session. */
  private acceptance: Acceptance | undefined;
  /** Number of the newest attempt to enter; the answer to an older one comes too late to count. */
  private attempts = 0;

  constructor(
    private readonly slug: string,
    private readonly events: VisitEvents,
    private readonly join = joinChannel,
  ) {}

  start(): void {
    this.stopControl = onControl((body) => this.control(body));
    window.addEventListener('pagehide', this.leaveQuietly);
    window.addEventListener('pageshow', this.comeBack);
    void this.open();
  }

  stop(): void {
    this.isStopped = true;
    this.stopControl?.();
    window.removeEventListener('pagehide', this.leaveQuietly);
    window.removeEventListener('pageshow', this.comeBack);
    this.leaveQuietly();
    this.quit();
  }

  /** Tries to enter; a paid room answers with its offer. */
  async enter(): Promise<void> {
    this.acceptance = undefined;
    await this.attempt();
  }

  /** The visitor agrees to the prices that the offer shows. */
  async accept(seen: Pick<Offer, 'priceMilliPerMin' | 'ticketMilli'>): Promise<void> {
    const { priceMilliPerMin, ticketMilli } = seen;
    this.acceptance = { priceMilliPerMin, ticketMilli, key: newMid() };
    await this.attempt();
  }

  /** A newly signed playlist address; undefined when the visit is over. */
  async renewHls(): Promise<string | undefined> {
    const { phase } = this.store.get();
    if (phase.at !== 'inside') return undefined;
    try {
      const answer = await renewPlaylist(this.slug, phase.entry.sessionId ?? undefined);
      return resolveHls(answer.hlsUrl);
    } catch (error) {
      const problem = toProblem(error);
      // The price has changed under a free visit: the offer comes up instead of a frozen picture.
      if (problem.status === 402 && !this.acceptance) void this.enter();
      if (problem.code === 'SHOW_NOT_LIVE') this.takeTerms({ live: false });
      // Away is no answer: the old signature may still be good. Refused means that there is nothing
      // to see.
      const isAway = problem.status === 0 || problem.status >= 500;
      return isAway ? resolveHls(phase.entry.hlsUrl) : undefined;
    }
  }

  private async open(): Promise<void> {
    try {
      const room = await fetchRoom(this.slug);
      if (this.isStopped) return;
      this.patch({ room, viewers: room.viewers });
      await this.enter();
    } catch (error) {
      if (this.isStopped) return;
      const problem = toProblem(error);
      if (problem.status === 404) this.patch({ phase: { at: 'missing' } });
      else this.refuse(problem);
    }
  }

  private async attempt(): Promise<void> {
    this.attempts += 1;
    const mine = this.attempts;
    const isStale = (): boolean => this.isStopped || mine !== this.attempts;
    try {
      // With an expired cookie the door would see a stranger.
      await keepSessionFresh();
      const entry = await enterRoom(this.slug, this.acceptance);
      if (!isStale()) this.settle(entry);
    } catch (error) {
      if (!isStale()) this.refuse(toProblem(error));
    }
  }

  private settle(entry: Entry): void {
    this.quitRoom();
    this.unusedTicket = entry.ticket;
    const { room } = this.store.get();
    this.patch({
      phase: { at: 'inside', entry },
      ...(entry.level === undefined ? {} : { level: entry.level }),
      ...(room && entry.isLive !== undefined ? { room: { ...room, isLive: entry.isLive } } : {}),
    });
    if (entry.ticket === undefined) {
      this.watchLobby();
      return;
    }
    this.quitLobby();
    this.channel = this.join(entry.channel, {
      ticket: () => this.nextTicket(),
      onMessage: (message) => this.receive(message),
      onJoined: ({ level }) => this.patch({ level, isJoined: true }),
      onLost: () => this.events.onLost(),
      onEnd: (reason) => this.ended(reason),
    });
  }

  private async nextTicket(): Promise<string> {
    const ready = this.unusedTicket;
    this.unusedTicket = undefined;
    if (ready !== undefined) return ready;
    await keepSessionFresh();
    const { ticket } = await enterRoom(this.slug, this.acceptance);
    if (ticket === undefined) throw new Error('The room has closed its chat to strangers.');
    return ticket;
  }

  private refuse(problem: Problem): void {
    const { room, phase } = this.store.get();
    const isOffer =
      problem.status === 402 ||
      problem.code === 'PRICE_CHANGED' ||
      problem.code === 'SHOW_NOT_LIVE' ||
      problem.code === 'SPENDING_LIMIT' ||
      problem.code === 'TIME_USED_UP' ||
      (problem.status === 401 && room !== undefined && isPaid(room));
    if (isOffer) {
      this.quitRoom();
      const offer = readOffer(problem, room);
      const isNews = this.acceptance !== undefined && problem.code !== 'PAYMENT_REQUIRED';
      this.acceptance = undefined;
      const known = phase.at === 'offer' ? phase.offer.problem : undefined;
      const news = isNews ? problem : outlives(known, offer) ? known : undefined;
      this.patch({ phase: { at: 'offer', offer: news ? { ...offer, problem: news } : offer } });
      this.watchLobby();
    } else if (problem.status === 0 || problem.status >= 500 || problem.status === 429) {
      this.patch({ phase: { at: 'failed', problem } });
      this.later(retryMs, () => (this.store.get().room ? this.attempt() : this.open()));
    } else {
      this.patch({ phase: { at: 'refused', problem } });
    }
  }

  /**
   * Outside the room's own channel, the lobby tells when something about the room changes. Joined
   * once: each join is told the newest change again, so joining anew after each look never ends.
   */
  private watchLobby(): void {
    const { room } = this.store.get();
    this.lobby ??= this.join('lobby', {
      onMessage: ({ body }) => {
        const ids = body['rooms'];
        if (!Array.isArray(ids) || (room && ids.includes(room.id)))
          this.later(150, () => this.look());
      },
    });
  }

  private async look(): Promise<void> {
    const room = await fetchRoom(this.slug).catch(() => undefined);
    if (!room || this.isStopped) return;
    this.patch({ room, viewers: room.viewers });
    const { phase } = this.store.get();
    const wantsIn = phase.at === 'offer' || (phase.at === 'inside' && !phase.entry.hlsUrl);
    // A visitor who has just agreed to the price is on the way in already.
    if (wantsIn && this.acceptance === undefined) await this.enter();
  }

  private receive(message: ReceivedMessage): void {
    const body = asFields(message.body);
    if (message.kind === 'v' && typeof body['count'] === 'number') {
      this.patch({ viewers: body['count'] });
    } else if (message.kind === 's' && body['modes'] === undefined) {
      this.takeTerms(body);
    } else if (message.kind === 'x') {
      this.takeOrder(body);
    } else if (message.kind === 'g') {
      this.patch({ goal: readGoal(body) });
    } else if (message.kind === 'l') {
      this.patch({ leaders: readLeaders(body) });
    } else {
      this.events.onMessage(message);
    }
  }

  /** In the room's own channel a redirect names where to go; everything else is about here. */
  private takeOrder(body: Record<string, unknown>): void {
    const target = asText(body['room']);
    if (body['kind'] === 'redirect' && target !== undefined && target !== '') this.move(target);
    else this.control({ room: this.store.get().room?.id, ...body });
  }

  /** Before the page of the other room opens, the end of this visit is no cut-off any more. */
  private move(slug: string): void {
    this.quit();
    this.events.onRedirect(slug);
  }

  private takeTerms(body: Record<string, unknown>): void {
    const { room, phase } = this.store.get();
    if (!room) return;
    const next: Room = applyTerms(room, body);
    this.patch({ room: next });
    if (phase.at !== 'inside') return;
    const lacksVideo = resolveHls(phase.entry.hlsUrl) === undefined;
    if (next.isLive && (!room.isLive || lacksVideo)) void this.refreshVideo();
    else if (next.pricePerMinMilli !== room.pricePerMinMilli && !this.acceptance) void this.enter();
  }

  /** The show began, or came back under another stream: fetch where it plays now. */
  private async refreshVideo(): Promise<void> {
    const hlsUrl = await this.renewHls();
    const { phase } = this.store.get();
    if (phase.at !== 'inside' || hlsUrl === undefined) return;
    this.patch({ phase: { at: 'inside', entry: { ...phase.entry, hlsUrl } } });
  }

  private control(body: Readonly<Record<string, unknown>>): void {
    const { phase, room } = this.store.get();
    const about = asText(body['room']) ?? asText(body['roomId']);
    const kind = asText(body['kind']) ?? '';
    if (about !== undefined && about !== room?.id) return;
    if (kind === 'denied') this.events.onDenied(asText(body['reason']));
    const reason = reasonOfEnd(kind, asText(body['reason']));
    const isEnd = kind === 'cutoff' || kind === 'kicked' || kind === 'banned';
    // The gateway may have put us out a moment before the reason arrives.
    const isLate = phase.at === 'cut' && !isKnownCut(phase.reason);
    if (isEnd && (phase.at === 'inside' || isLate)) this.cut(reason);
  }

  private ended(reason: string): void {
    if (this.store.get().phase.at !== 'inside' || this.isStopped) return;
    if (reason === 'no_ticket') this.later(retryMs, () => this.attempt());
    else this.cut(reason);
  }

  private cut(reason: string): void {
    this.quit();
    this.acceptance = undefined;
    this.patch({ phase: { at: 'cut', reason } });
  }

  private quit(): void {
    this.quitRoom();
    this.quitLobby();
  }

  private quitRoom(): void {
    window.clearTimeout(this.timer);
    this.channel?.leave();
    this.channel = undefined;
    this.patch({ isJoined: false });
  }

  private quitLobby(): void {
    this.lobby?.leave();
    this.lobby = undefined;
  }

  /**
   * Ends the billing session of a paid show; without it the sweeper would, but only after its
   * grace.
   */
  private readonly leaveQuietly = (): void => {
    const { phase } = this.store.get();
    if (phase.at !== 'inside' || sessionStore.get().state !== 'member') return;
    const { sessionId } = phase.entry;
    if (typeof sessionId === 'string') leaveRoom(this.slug, sessionId).catch(() => undefined);
  };

  /** The browser kept the page alive while it was away, but the visit has been ended. */
  private readonly comeBack = (event: PageTransitionEvent): void => {
    if (event.persisted && this.store.get().phase.at === 'inside') void this.enter();
  };

  private later(ms: number, action: () => Promise<void>): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void action(), ms);
  }

  private patch(change: Partial<RoomState>): void {
    this.store.update((state) => ({ ...state, ...change }));
  }
}

/** A look at the room for another reason does not take these words away; the next show does. */
function outlives(problem: Problem | undefined, { isLive }: Offer): boolean {
  return problem?.code === 'SPENDING_LIMIT' || (problem?.code === 'TIME_USED_UP' && isLive);
}
