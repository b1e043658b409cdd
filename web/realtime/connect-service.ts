// The way into realtime: a connect token and the addresses of gateways, best first. The user's home
// worker comes by rendezvous hashing, so that the sockets of one user tend to meet on one worker;
// who opens a huge room is sent to the few workers that carry it.
import type { TokenService } from '../../cluster/index.js';
import { connectRole, type ConnectRole } from '../accounts/principal.js';
import type { Fleet, FleetMember } from '../ports.js';
import type { RoomCatalog } from '../rooms/room-catalog.js';
import { visitorSub, type Visitor } from '../rooms/visitor.js';

const CONNECT_TTL_SEC = 3_600;

export interface RealtimeTicket {
  readonly token: string;
  /** WebSocket addresses, best first; empty while no gateway is up. */
  readonly urls: string[];
  /** SockJS addresses for browsers whose network breaks WebSockets; best first. */
  readonly sockjsUrls: string[];
  readonly userId: string;
  readonly name: string;
  readonly role: ConnectRole;
}

export interface ConnectService {
  /**
   * @param where.site host and scheme under which the browser reached us
   * @param where.slug the room that is being opened; one that is not found changes nothing
   */
  ticket(
    visitor: Visitor,
    where: { site: { host: string; isSecure: boolean }; slug: string | undefined },
  ): Promise<RealtimeTicket>;
}

export function createConnectService(parts: {
  tokens: TokenService;
  fleet: Fleet;
  catalog: Pick<RoomCatalog, 'show'>;
  /** One address for all gateways; empty = what they registered. */
  publicUrl: string;
}): ConnectService {
  const { tokens, fleet, catalog, publicUrl } = parts;

  /** The order of addresses is a hint, so that nobody stays outside because it is not known. */
  async function roomOf(slug: string): Promise<{ room?: { id: string; viewers: number } }> {
    try {
      const { id, stream } = await catalog.show(slug);
      return { room: { id, viewers: stream?.viewers ?? 0 } };
    } catch {
      return {};
    }
  }

  return {
    async ticket(visitor, { site, slug }) {
      const sub = visitorSub(visitor);
      const name = visitor.kind === 'user' ? visitor.user.username : guestName(visitor.anonId);
      const role = visitor.kind === 'user' ? connectRole(visitor.user) : 'anon';
      const ranked = fleet.ranked('gateway', {
        user: sub,
        ...(slug === undefined ? {} : await roomOf(slug)),
      });
      const urls = publicUrl === '' ? gatewayUrls(ranked, site) : [publicUrl];
      return {
        token: tokens.sign('connect', { sub, name, role }, CONNECT_TTL_SEC),
        urls,
        sockjsUrls: sockjsUrls(ranked, site),
        userId: sub,
        name,
        role,
      };
    },
  };
}

/** Private addresses of the workers in the given order, then the addresses that they share. */
export function gatewayUrls(
  ranked: readonly FleetMember[],
  site: { host: string; isSecure: boolean },
): string[] {
  const scheme = site.isSecure ? 'wss' : 'ws';
  const usable = ranked.filter((one) => !one.isDraining);
  const urlsBy = (member: string): string[] =>
    usable.flatMap(({ address }) => {
      const port = address[member];
      if (port === undefined || port === '' || port === '0') return [];
      const host = address['host'] ?? '';
      return [`${scheme}://${host === '' ? site.host : host}:${port}/`];
    });
  return [...new Set([...urlsBy('port'), ...urlsBy('sharedPort')])];
}

/**
 * SockJS addresses in the given order: what a worker gives as its own, or its port on its host. All
 * requests of a session must reach one worker, so a balancer's address is of no use here.
 */
export function sockjsUrls(
  ranked: readonly FleetMember[],
  site: { host: string; isSecure: boolean },
): string[] {
  const scheme = site.isSecure ? 'https' : 'http';
  const usable = ranked.filter((one) => !one.isDraining);
  return usable.flatMap(({ address: { sockjs = '', sockjsPort = '0', host = '' } }) => {
    if (sockjs !== '') return [sockjs];
    if (sockjsPort === '0' || sockjsPort === '') return [];
    return [`${scheme}://${host === '' ? site.host : host}:${sockjsPort}/rt`];
  });
}

/** A name that others see, the same as long as the browser keeps its id. */
function guestName(anonId: string): string {
  return `guest-${anonId
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 5)
    .toLowerCase()}`;
}
