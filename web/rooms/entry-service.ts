// The door of a room: who may enter, what it costs, and the tickets for chat and video. Used by the
// routes. Invariant: nobody gets video or chat of a paid show without an open billing session,
// except its performer and admins; nothing is charged before the viewer has accepted the price.
import { AppError, type TokenService } from '../../cluster/index.js';
import { randomId } from '../accounts/random-id.js';
import type { Room } from '../db/entities/room.js';
import { DetailedError, siteError } from '../errors.js';
import type { LiveState } from '../live/live-state.js';
import type { Billing, LiveStream } from '../ports.js';
import { commandKey } from './command-key.js';
import type { HlsSigner } from './hls-url.js';
import type { PrivateService } from './private-service.js';
import type { RoomCatalog } from './room-catalog.js';
import { currentOffer } from './room-offer.js';
import type { Standings } from './standing.js';
import { freeLevel, roomLevel, visitorSub, type Visitor } from './visitor.js';

const ROOM_TICKET_TTL_SEC = 30;

export interface EnterRequest {
  readonly slug: string;
  readonly visitor: Visitor;
  /** Host name under which the browser reached the site. */
  readonly siteHost: string;
  readonly accept: boolean;
  /** The price that the viewer saw; another one is refused. */
  readonly priceMilliPerMin?: string;
  /** The price of the ticket that the viewer saw; another one is refused. */
  readonly ticketMilli?: string;
  /** Makes a repeat of the same click harmless. */
  readonly key?: string;
}

export interface Entry {
  readonly ticket?: string;
  readonly channel: string;
  readonly level: string;
  readonly isLive: boolean;
  readonly streamId?: string;
  readonly hlsUrl?: string;
  readonly sessionId?: string;
  readonly priceMilliPerMin?: string;
  readonly ticketMilli?: string;
  readonly balance?: string;
  readonly grantedUntilMs?: number;
}

export interface HlsRequest {
  readonly slug: string;
  readonly visitor: Visitor;
  readonly siteHost: string;
  readonly sessionId?: string;
}

export interface EntryService {
  /**
   * @throws ROOM_NOT_FOUND, MEMBERS_ONLY, UNAUTHENTICATED, PAYMENT_REQUIRED, INSUFFICIENT_CREDIT, …
   */
  enter(request: EnterRequest): Promise<Entry>;
  /** A fresh address for the video. @throws SHOW_NOT_LIVE, SESSION_NOT_FOUND, PAYMENT_REQUIRED */
  renewHls(request: HlsRequest): Promise<{ hlsUrl: string; streamId: string }>;
  /**
   * Ends the viewer's session, if there is one; leaving a free room changes nothing. A ticket stays
   * open, so that its holder comes back into the same session.
   */
  leave(request: { slug: string; visitor: Visitor; sessionId?: string }): Promise<void>;
}

export function createEntryService(parts: {
  catalog: RoomCatalog;
  billing: Billing;
  live: LiveState;
  tokens: TokenService;
  hls: HlsSigner;
  standings: Standings;
  privates: Pick<PrivateService, 'entered'>;
}): EntryService {
  const { catalog, billing, live, tokens, hls, standings, privates } = parts;

  async function admit(
    { visitor, siteHost }: EnterRequest,
    room: Room,
    inside: { stream: LiveStream | undefined; sessionId?: string },
  ): Promise<Entry> {
    const { stream, sessionId } = inside;
    const standing =
      visitor.kind === 'user' ? await standings.find(visitor.user, room.id) : undefined;
    const level = roomLevel(visitor, room, standing?.isModerator ?? false);
    const groups = standing?.groups.join(',') ?? '';
    const bill = sessionId === undefined ? {} : { bill: sessionId };
    // A ticket is good once; the id keeps apart two that one viewer gets within a second.
    const claims = {
      sub: visitorSub(visitor),
      room: room.id,
      level,
      jti: randomId(),
      ...bill,
      ...(groups === '' ? {} : { groups }),
    };
    const hasChat = visitor.kind === 'user' || room.anonsSeeChat;
    const sid = sessionId ?? freeSid(visitor, room);
    return {
      channel: `room:${room.id}`,
      level,
      isLive: stream !== undefined,
      ...(hasChat ? { ticket: tokens.sign('room', claims, ROOM_TICKET_TTL_SEC) } : {}),
      ...(stream === undefined
        ? {}
        : { streamId: room.streamId, hlsUrl: hls.sign(stream, sid, siteHost) }),
    };
  }

  async function openPaid(request: EnterRequest, room: Room): Promise<Entry> {
    const { visitor, accept } = request;
    if (visitor.kind === 'anon') throw siteError('UNAUTHENTICATED');
    const viewerId = visitor.user.id;
    if (!accept) throw await paymentRequired(viewerId, room);
    refuseOtherPrice(request, room);
    const stream = await live.findNow(room.streamId);
    if (stream === undefined) throw siteError('SHOW_NOT_LIVE');

    const key = commandKey('enter', viewerId, request.key ?? randomId());
    const opened = await billing
      .openSession({ viewerId, roomId: room.id, key })
      .catch(async (thrown: unknown) => {
        if (!(thrown instanceof AppError) || thrown.code !== 'INSUFFICIENT_CREDIT') throw thrown;
        const members = await priceAndBalance(viewerId, room);
        throw new DetailedError('INSUFFICIENT_CREDIT', members);
      });
    if (room.privateViewerId === viewerId) {
      await privates.entered(room.id, viewerId, opened.sessionId);
    }
    const { kind, ticketMilli } = currentOffer(room);
    return {
      ...(await admit(request, room, { stream, sessionId: opened.sessionId })),
      sessionId: opened.sessionId,
      // Billing calls what a ticket costs its price; nothing is charged by the minute.
      priceMilliPerMin: kind === 'ticket' ? '0' : String(opened.priceMilliPerMin),
      ticketMilli,
      balance: String(opened.balance),
      grantedUntilMs: opened.grantedUntilMs,
    };
  }

  async function priceAndBalance(viewerId: string, room: Room) {
    const { balance, held } = await billing.wallet(viewerId);
    const { kind: showType, priceMilliPerMin, ticketMilli } = currentOffer(room);
    return {
      ...{ showType, priceMilliPerMin, ticketMilli },
      balance: String(balance - held),
      isLive: live.find(room.streamId) !== undefined,
    };
  }

  async function paymentRequired(viewerId: string, room: Room): Promise<AppError> {
    return new DetailedError('PAYMENT_REQUIRED', await priceAndBalance(viewerId, room));
  }

  /** The viewer's own, still open session in the room. */
  async function requireSession(
    viewerId: string,
    room: Room,
    sessionId: string | undefined,
  ): Promise<string> {
    if (sessionId === undefined) throw await paymentRequired(viewerId, room);
    const session = await billing.findSession(sessionId);
    if (session?.viewerId !== viewerId || session.roomId !== room.id) {
      throw siteError('SESSION_NOT_FOUND');
    }
    if (!session.isActive) throw await paymentRequired(viewerId, room);
    return sessionId;
  }

  return {
    async enter(request) {
      const { visitor } = request;
      const room = await catalog.find(request.slug);
      refuseStranger(visitor, room);
      if (!isFreeFor(visitor, room)) return openPaid(request, room);
      return admit(request, room, { stream: await live.findNow(room.streamId) });
    },

    async renewHls({ slug, visitor, siteHost, sessionId }) {
      const room = await catalog.find(slug);
      refuseStranger(visitor, room);
      let sid = freeSid(visitor, room);
      if (!isFreeFor(visitor, room)) {
        if (visitor.kind === 'anon') throw siteError('UNAUTHENTICATED');
        sid = await requireSession(visitor.user.id, room, sessionId);
      }
      const stream = await live.findNow(room.streamId);
      if (stream === undefined) throw siteError('SHOW_NOT_LIVE');
      return { hlsUrl: hls.sign(stream, sid, siteHost), streamId: room.streamId };
    },

    async leave({ slug, visitor, sessionId }) {
      const room = await catalog.find(slug);
      if (sessionId === undefined) return;
      if (visitor.kind === 'anon') throw siteError('SESSION_NOT_FOUND');
      const session = await billing.findSession(sessionId);
      if (session?.viewerId !== visitor.user.id || session.roomId !== room.id) {
        throw siteError('SESSION_NOT_FOUND');
      }
      const isTicket = currentOffer(room).kind === 'ticket';
      if (session.isActive && !isTicket) await billing.endSession(sessionId, 'left');
    },
  };
}

function isFreeFor(visitor: Visitor, room: Room): boolean {
  return currentOffer(room).kind === 'free' || freeLevel(visitor, room) !== undefined;
}

/** @throws PRIVATE_SHOW, MEMBERS_ONLY */
function refuseStranger(visitor: Visitor, room: Room): void {
  if (freeLevel(visitor, room) !== undefined) return;
  const { privateViewerId } = room;
  const id = visitor.kind === 'user' ? visitor.user.id : undefined;
  if (privateViewerId !== null && privateViewerId !== id) throw siteError('PRIVATE_SHOW');
  const isPaid = currentOffer(room).kind !== 'free';
  if (id === undefined && !isPaid && (!room.allowAnons || room.isPrivate)) {
    throw siteError('MEMBERS_ONLY');
  }
}

/** The epoch ends with the free show, see rtmp's free-epochs.ts. */
function freeSid(visitor: Visitor, { freeEpoch }: Room): string {
  const viewer = visitor.kind === 'user' ? visitor.user.id : visitor.anonId;
  return freeEpoch === 0 ? `free-${viewer}` : `free-${freeEpoch}:${viewer}`;
}

/** @throws PRICE_CHANGED */
function refuseOtherPrice(seen: EnterRequest, room: Room): void {
  const { kind: showType, priceMilliPerMin, ticketMilli } = currentOffer(room);
  const isSame =
    (seen.priceMilliPerMin ?? priceMilliPerMin) === priceMilliPerMin &&
    (seen.ticketMilli ?? ticketMilli) === ticketMilli;
  if (isSame) return;
  throw new DetailedError('PRICE_CHANGED', { showType, priceMilliPerMin, ticketMilli });
}
