// A small fleet for one run: the modelled Redis, whole gateway workers, real clients. Everything
// between them goes over modelled links in virtual time.
import {
  createMemoryBus,
  createMetrics,
  createTokenService,
  MemoryNetwork,
  type Clock,
} from '../../../cluster/index.js';
import { silentLog, TEST_SECRETS, type SeededRandom } from '../../../cluster/testing/index.js';
import { RealtimeClient } from '../../client/index.js';
import { createGateway, type Gateway } from '../../gateway.js';
import { noPaidSessions } from '../../ports.js';
import { channelKeys } from '../../channel-keys.js';
import { Oracles } from './oracles.js';
import { RedisDoor } from './redis-door.js';
import { RedisModel, type Plant } from './redis-model.js';
import type { VirtualTime } from './virtual-time.js';
import { webSocketOf, WorkerPort, type Link } from './worker-port.js';

const tokens = createTokenService(TEST_SECRETS.token);

export interface SimWorker {
  readonly url: string;
  readonly door: RedisDoor;
  readonly port: WorkerPort;
  readonly gateway: Gateway;
}

export interface SimClient {
  readonly user: string;
  readonly client: RealtimeClient;
  readonly links: Link[];
  /** Channels that it is in, with where its reader is. */
  readonly rooms: Map<string, () => readonly [string, number] | undefined>;
  /** Publishes that have no answer yet. */
  open: number;
}

export class World {
  readonly oracles = new Oracles();
  readonly model: RedisModel;
  readonly workers: SimWorker[] = [];
  readonly clients: SimClient[] = [];
  readonly backend: RedisDoor;
  pausedUntilMs = 0;
  private readonly doors = new Set<RedisDoor>();
  private readonly buses = new MemoryNetwork();
  private workerCount = 0;
  private wasCleared = false;

  constructor(
    readonly time: VirtualTime,
    readonly random: SeededRandom,
    readonly options: { readonly historyMax: number; readonly plant: Plant },
  ) {
    const { oracles } = this;
    this.model = new RedisModel(
      {
        publish: (channel, packet) => {
          const { feed } = channelKeys(channel);
          for (const door of this.doors) door.publish(feed, packet);
        },
        sequenced: (one) => oracles.sequenced(one),
        duty: (room, worker, token) => oracles.duty(room, worker, token),
      },
      options.plant,
    );
    this.backend = this.openDoor();
  }

  /** A worker at an address; a new process when one was there before. */
  async startWorker(url: string): Promise<SimWorker> {
    this.workerCount += 1;
    const door = this.openDoor();
    const { time } = this;
    const clock: Clock = { nowMs: () => time.nowMs, monotonicMs: () => time.nowMs };
    const gateway = createGateway({
      node: `w${this.workerCount}`,
      settings: {
        ...{ historyMax: this.options.historyMax, historyTtlSec: 600 },
        ...{ messageLengthMax: 500, updateIntervalMs: 10_000, userConnectionsMax: 0 },
      },
      redis: door.client,
      subscriber: door.subscriber,
      bus: createMemoryBus({ log: silentLog, network: this.buses }),
      ...{ tokens, clock, proofOfLife: noPaidSessions, log: silentLog },
      metrics: createMetrics('gateway', { process: false }),
    });
    const port = new WorkerPort(gateway, {
      ...{ time, random: this.random, workerAt: () => undefined },
    });
    const worker = { url, door, port, gateway };
    const at = this.workers.findIndex((one) => one.url === url);
    if (at < 0) this.workers.push(worker);
    else this.workers[at] = worker;
    await gateway.start();
    return worker;
  }

  /** kill -9: sockets, feeds and commands end where they are. */
  async killWorker({ port, door, gateway }: SimWorker): Promise<void> {
    port.kill();
    this.doors.delete(door);
    door.cutCommands(0);
    door.subscriber.close();
    await gateway.stop();
  }

  addClient(user: string): SimClient {
    const links: Link[] = [];
    const network = {
      ...{ time: this.time, random: this.random },
      workerAt: (url: string) => this.workers.find((one) => one.url === url)?.port,
    };
    const urls = this.random.shuffle(this.workers.map(({ url }) => url));
    const client = new RealtimeClient({
      credentials: () =>
        Promise.resolve({
          token: tokens.sign('connect', { sub: user, name: user, role: 'viewer' }, 3_600),
          urls,
        }),
      WebSocket: webSocketOf(network, (link) => links.push(link)),
      random: () => this.random.next(),
    });
    const one: SimClient = { user, client, links, rooms: new Map(), open: 0 };
    this.clients.push(one);
    client.connect();
    return one;
  }

  join(one: SimClient, channel: string): void {
    if (one.rooms.has(channel)) return;
    const { user, client } = one;
    const id = `${user}#${one.links.length}.${this.time.nowMs}`;
    let ticketCount = 0;
    const subscription = client.subscribe(
      channel,
      {
        ticket: () => {
          ticketCount += 1;
          const claims = { sub: user, room: channel.slice(5), level: 'participant' };
          return tokens.sign('room', { ...claims, jti: `${id}.${ticketCount}` }, 30);
        },
      },
      {
        onMessage: (message) => {
          const [epoch = ''] = subscription.reader.position() ?? [];
          if (message.offset > 0) this.oracles.show({ client: id, user }, epoch, message);
        },
        onLost: () => this.oracles.lost(id, channel, this.mayLose()),
        onEnd: () => one.rooms.delete(channel),
      },
    );
    one.rooms.set(channel, () => subscription.reader.position());
  }

  say(one: SimClient, channel: string, text: string): void {
    const mid = one.client.newMid();
    one.open += 1;
    one.client.publish(channel, text, mid).then(
      ({ epoch, offset }) => {
        one.open -= 1;
        if (offset > 0) this.oracles.acknowledged(channel, epoch, offset, mid);
      },
      () => (one.open -= 1),
    );
  }

  /** Redis is back without anything that was in it. */
  restartRedis(): void {
    this.wasCleared = true;
    this.model.clear();
    this.oracles.forgotten();
    for (const door of this.doors) {
      door.cutFeeds(this.random.int(0, 300));
      door.cutCommands(this.random.int(10, 300));
    }
  }

  /** Only a new epoch or a short history loses anything. */
  private mayLose(): boolean {
    return this.wasCleared || this.options.historyMax < 500;
  }

  private openDoor(): RedisDoor {
    const door = new RedisDoor({
      ...{ time: this.time, random: this.random, model: this.model },
      pausedUntilMs: () => this.pausedUntilMs,
      keepsFeeds: this.options.plant === 'keep-feeds',
    });
    this.doors.add(door);
    return door;
  }
}
