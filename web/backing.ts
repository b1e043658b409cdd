// The realtime side of a site process: Redis, bus, member list and the client of billing behind one
// link, and the ports that rest on them. Used by main.ts, which adds what comes from sibling
// folders, and by demo.ts.
import { BillingClient, parseStreamStateMessage, TOPICS } from '../billing/index.js';
import {
  closeRedis,
  connectRedis,
  createRedisBus,
  InternalClient,
  MemberRegistry,
  placeUser,
  systemClock,
  type Config,
  type Logger,
  type Member,
  type RedisBus,
  type RedisClient,
} from '../cluster/index.js';
import { createAskBilling, createBillingPort } from './billing-port.js';
import { createFinancePort } from './finance-port.js';
import { createRedisCounts } from './http/redis-counts.js';
import { createLink, type Link } from './link.js';
import { openPictureQueue, type PictureQueue } from './pictures/picture-jobs.js';
import type { FleetMember, PictureWorker, Ports, StreamEvent } from './ports.js';

export interface RealtimeSide {
  readonly redis: RedisClient;
  readonly bus: RedisBus;
  readonly members: MemberRegistry;
  readonly caller: InternalClient;
  readonly billing: BillingClient;
  readonly pictures: PictureQueue;
}

export interface Backing {
  readonly link: Link<RealtimeSide>;
  readonly ports: Omit<Ports, 'directory' | 'recordings' | 'publisher' | 'control' | 'moderation'>;
}

/** @param isMember whether this process takes a place in the member list or only reads it. */
export function createBacking(parts: { config: Config; log: Logger; isMember: boolean }): Backing {
  const { config, log, isMember } = parts;
  const handlers: ((event: StreamEvent) => void)[] = [];
  let work: PictureWorker | undefined;

  async function connect(): Promise<RealtimeSide> {
    const { realtimeUrl: url } = config.redis;
    const name = config.node.id;
    const redis = await connectRedis(url, { role: 'command', name, log });
    try {
      const bus = await createRedisBus({ url, name, log });
      const members = new MemberRegistry(redis, {
        role: 'web',
        id: config.node.id,
        address: { host: config.node.host, port: String(config.web.port) },
        log,
        bus,
        ...config.members,
      });
      await (isMember ? members.join() : members.watch());
      await bus.subscribe(TOPICS.streamState, (payload) => {
        const event = parseStreamStateMessage(payload);
        if (event !== undefined) handlers.forEach((handler) => handler(event));
      });
      const caller = new InternalClient({ members, secret: config.secrets.internal });
      const pictures = await openPictureQueue({
        ...{ redis, url, name, log, work: isMember ? work : undefined },
      });
      return { redis, bus, members, caller, billing: new BillingClient(caller), pictures };
    } catch (thrown) {
      await closeRedis(redis);
      throw thrown;
    }
  }

  const link = createLink({
    name: 'realtime',
    absence: 'REALTIME_UNAVAILABLE',
    log,
    connect,
    async close({ redis, bus, members, caller, pictures }) {
      await pictures.close();
      caller.close();
      await members.close();
      await bus.close();
      await closeRedis(redis);
    },
  });
  const ask = createAskBilling(() => link.current().billing);
  const counts = createRedisCounts(() => link.current().redis, systemClock);
  const listed = (role: 'gateway' | 'rtmp'): readonly Member[] =>
    link.isUp() ? link.current().members.list(role) : [];
  return {
    link,
    ports: {
      billing: createBillingPort(ask),
      finance: createFinancePort(ask),
      fleet: {
        list: (role) => listed(role).map(toFleetMember),
        ranked: (role, destination) => placeUser(destination, listed(role)).map(toFleetMember),
      },
      events: { onStreamState: (handler) => void handlers.push(handler) },
      hits: counts,
      marks: counts,
      pictureJobs: {
        // Async, so that a link that does not stand rejects.
        add: async (job) => link.current().pictures.add(job),
        onJob: (worker) => void (work = worker),
      },
    },
  };
}

function toFleetMember({ id, address, load, draining }: Member): FleetMember {
  return { id, address, load, isDraining: draining };
}
