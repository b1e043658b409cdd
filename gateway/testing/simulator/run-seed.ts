// One seed, one run: a fleet under a random schedule of messages and faults, then peace, then the
// end; what the oracles have to say about it.
import { moderateChannel } from '../../moderation-script.js';
import { channelKeys } from '../../channel-keys.js';
import { createPublisher, newEpoch } from '../../publisher.js';
import { packTail } from '../../packet.js';
import { randomFromSeed, silentLog } from '../../../cluster/testing/index.js';
import type { Violation } from './oracles.js';
import type { Plant } from './redis-model.js';
import { VirtualTime } from './virtual-time.js';
import { World, type SimClient } from './world.js';

export interface RunReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** What happened, for a look at whether the schedule is worth anything. */
  readonly sequenced: number;
  readonly shown: number;
  readonly deeds: ReadonlyMap<string, number>;
}

const ROOMS = ['room:1', 'room:2'] as const;
/** About 100 deeds. */
const STORM_MS = 25_000;
/** Beacons come after 25 s at most, publishes are given up after 30 s. */
const PEACE_MS = 45_000;
/** Within this time a last message that the feed has lost is with everybody. */
const TAIL_MS = 6_000;
const TAIL_ROUNDS = 2;
/** Rooms are kept for 60 s after the last listener. */
const END_MS = 75_000;

/** @param storms how long the storm lasts: 100 for a schedule of 10^4 deeds */
export async function runSeed(seed: number, plant: Plant = 'none', storms = 1): Promise<RunReport> {
  const time = new VirtualTime();
  const uninstall = time.install();
  try {
    return await new Run(time, seed, plant, storms).play();
  } finally {
    uninstall();
  }
}

type Deed = (run: Run) => void | Promise<void>;

/** Deeds by weight. */
const DEEDS: readonly (readonly [string, number, Deed])[] = [
  ['say', 50, (run) => run.say()],
  ['tip', 12, (run) => run.burst(run.random.int(1, 6), 40)],
  ['burst', 2, (run) => run.burst(run.random.int(100, 320), run.random.int(10, 200))],
  ['stall', 6, (run) => run.stall()],
  ['resume', 8, (run) => run.resume()],
  ['cut client', 5, (run) => run.eachLink((link) => link.cut())],
  ['cut feed', 4, (run) => run.random.pick(run.world.workers).door.cutFeeds(run.random.int(0, 4_000))],
  ['cut redis', 3, (run) => run.random.pick(run.world.workers).door.cutCommands(run.random.int(10, 900))],
  ['pause redis', 1, (run) => run.pauseRedis()],
  ['join', 4, (run) => run.join()],
  ['kill worker', 1, (run) => run.killWorker()],
  ['ban', 2, (run) => run.ban()],
  ['empty redis', 1, (run) => run.emptyRedis()],
]; // prettier-ignore

class Run {
  readonly random;
  readonly world: World;
  private readonly deeds = new Map<string, number>();
  private readonly publisher;
  private readonly banned = new Set<string>();
  private readonly mayEmpty: boolean;
  /** A stream of its own: what it decides leaves the rest of the schedule as it is. */
  private readonly tailRandom;
  private readonly mutesInStorm: boolean;
  private textCount = 0;
  private pendingBackend = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly seed: number,
    plant: Plant,
    private readonly storms: number,
  ) {
    this.random = randomFromSeed(seed);
    this.tailRandom = randomFromSeed(seed + 2 ** 31);
    this.mutesInStorm = seed % 7 < 2;
    const { random } = this;
    const isShort = plant === 'none' && random.chance(0.2);
    this.mayEmpty = plant === 'none' && random.chance(0.15);
    const historyMax = isShort ? random.int(20, 120) : 5_000;
    this.world = new World(time, random, { historyMax, plant });
    const redis = this.world.backend.client;
    this.publisher = createPublisher({ redis, log: silentLog, historyMax });
  }

  async play(): Promise<RunReport> {
    const { world, random } = this;
    const workers = random.int(2, 3);
    for (let n = 1; n <= workers; n += 1) await world.startWorker(`ws://w${n}`);
    for (let n = 1; n <= random.int(3, 6); n += 1) {
      const one = world.addClient(`u${n}`);
      for (const room of ROOMS) if (random.chance(0.8)) world.join(one, room);
    }
    await this.storm();
    await this.peace();
    for (let round = 0; round < TAIL_ROUNDS; round += 1) await this.loseTail();
    await this.end();
    const { violations, sequencedCount, shownCount } = world.oracles;
    const { seed, deeds } = this;
    return { seed, violations, sequenced: sequencedCount, shown: shownCount, deeds };
  }

  say(): void {
    const one = this.random.pick(this.world.clients);
    const rooms = [...one.rooms.keys()];
    if (rooms.length > 0) this.world.say(one, this.random.pick(rooms), this.text(20));
  }

  burst(count: number, textLength: number): void {
    this.burstIn(this.random.pick(ROOMS), count, textLength);
  }

  private burstIn(room: string, count: number, textLength = 20): void {
    for (let n = 0; n < count; n += 1) {
      const body = { text: this.text(textLength) };
      const mid = `b${this.textCount}`;
      this.pendingBackend += 1;
      this.publisher
        .publish(room, { cls: 'reliable', kind: 'n', body, mid })
        .catch(() => undefined)
        .finally(() => (this.pendingBackend -= 1));
    }
  }

  stall(): void {
    this.eachLink((link) => link.stall());
  }

  resume(): void {
    this.eachLink((link) => link.resume());
  }

  /** The newest link of a random client. */
  eachLink(act: (link: SimClient['links'][number]) => void): void {
    const link = this.random.pick(this.world.clients).links.at(-1);
    if (link !== undefined) act(link);
  }

  pauseRedis(): void {
    this.world.pausedUntilMs = this.time.nowMs + this.random.int(200, 3_000);
  }

  join(): void {
    const { world, random } = this;
    const one =
      world.clients.length < 8 && random.chance(0.5)
        ? world.addClient(`u${world.clients.length + 1}`)
        : random.pick(world.clients);
    if (!this.banned.has(one.user)) world.join(one, random.pick(ROOMS));
  }

  async killWorker(): Promise<void> {
    const { world, random, time } = this;
    const worker = random.pick(world.workers);
    if (!worker.port.isListening) return;
    await world.killWorker(worker);
    time.after(random.int(500, 3_000), () => void world.startWorker(worker.url));
  }

  ban(): void {
    const { world, random } = this;
    const { user } = random.pick(world.clients);
    const room = random.pick(ROOMS);
    if (this.banned.size >= 2) return;
    this.banned.add(user);
    const mid = `ban-${user}-${this.time.nowMs}`;
    moderateChannel
      .run(world.backend.client, {
        ...{ keys: channelKeys(room), nowMs: 0, newEpoch: newEpoch() },
        ...{ historyMax: world.options.historyMax },
        ...{ historyTtlSec: 600, midTtlMs: 300_000, field: `mod ${mid}`, action: 'restrict' },
        ...{ subject: `b:${user}`, event: packTail('c', { user, ban: true, by: 'mod' }, mid) },
        ...{ message: packTail('d', {}, ''), audit: '{}', settings: [] },
      })
      .then(({ is, epoch, offset }) => {
        if (is === 'done') world.oracles.banned(room, user, { epoch, offset });
      })
      .catch(() => undefined);
  }

  emptyRedis(): void {
    if (this.mayEmpty) this.world.restartRedis();
  }

  private async storm(): Promise<void> {
    const { random, time } = this;
    const total = DEEDS.reduce((sum, [, weight]) => sum + weight, 0);
    const endMs = time.nowMs + this.storms * STORM_MS;
    while (time.nowMs < endMs) {
      await time.run(random.chance(0.3) ? random.int(0, 5) : random.int(20, 500));
      let left = random.int(1, total);
      const [name, , deed] = DEEDS.find(([, weight]) => (left -= weight) <= 0) ?? DEEDS[0] ?? [];
      if (name === undefined || deed === undefined) continue;
      this.note(name);
      await deed(this);
      if (this.mutesInStorm && this.tailRandom.chance(0.04)) this.muteFeed();
    }
  }

  /** A worker hears nothing of a room for a while, and nothing tells it so. */
  private muteFeed(): void {
    const { world, tailRandom, time } = this;
    this.note('mute feed');
    const { door } = tailRandom.pick(world.workers);
    door.mute(channelKeys(tailRandom.pick(ROOMS)).feed);
    time.after(tailRandom.int(50, 3_000), () => door.unmute());
  }

  /**
   * The last messages of a channel do not reach some of the workers, and nothing follows them: who
   * is in the channel has them in time all the same.
   */
  private async loseTail(): Promise<void> {
    const { world, tailRandom: random, time } = this;
    const { oracles, model } = world;
    this.note('lose tail');
    const room = random.pick(ROOMS);
    const doors = random.shuffle(world.workers.map(({ door }) => door));
    await time.run(random.int(0, 5_000));
    if (random.chance(0.3)) {
      this.burstIn(room, 1);
      await time.run(random.int(0, 200)); // the worker may have heard of this one just before
    }
    for (const door of doors.slice(0, random.int(1, doors.length))) {
      door.mute(channelKeys(room).feed);
    }
    this.burstIn(room, random.int(1, 3));
    await time.run(TAIL_MS);
    const { epoch, top } = model.row(room);
    for (const { user, rooms } of world.clients) {
      const position = rooms.get(room);
      const [has = '', offset = 0] = position?.() ?? [];
      if (position === undefined || (has === epoch && offset === top)) continue;
      oracles.fail('loss', `${user} has ${room} up to ${has} ${offset} after 6 s, not ${top}`);
    }
    for (const door of doors) door.unmute();
  }

  private note(deed: string): void {
    this.deeds.set(deed, (this.deeds.get(deed) ?? 0) + 1);
  }

  /** Nothing breaks any more: all have everything after a while. */
  private async peace(): Promise<void> {
    const { world, time } = this;
    const { oracles, model } = world;
    await time.run(4_000);
    for (const { links } of world.clients) for (const link of links) link.resume();
    await time.run(PEACE_MS);
    if (this.pendingBackend > 0) oracles.fail('leak', `${this.pendingBackend} publishes open`);
    for (const { user, rooms, open } of world.clients) {
      if (open > 0) oracles.fail('leak', `${user} has ${open} publishes without an answer`);
      for (const [room, position] of rooms) {
        const { epoch, top } = model.row(room);
        const [has = '', offset = 0] = position() ?? [];
        oracles.settled(user, room, [has, offset], has === epoch || top > 0 ? top : offset);
      }
    }
  }

  /** All leave, then the workers stop: nothing is left. */
  private async end(): Promise<void> {
    const { world, time } = this;
    const { oracles } = world;
    for (const { client } of world.clients) client.close();
    await time.run(END_MS);
    for (const { gateway, port, door, url } of world.workers) {
      const left = {
        connections: gateway.connectionCount(),
        links: port.links.size,
        feeds: door.feedCount,
      };
      for (const [what, count] of Object.entries(left)) {
        if (count > 0) oracles.fail('leak', `${url} still has ${count} ${what}`);
      }
      await gateway.stop();
    }
    await time.run(5_000);
    if (time.pending > 0) oracles.fail('leak', `${time.pending} timers go on`);
  }

  private text(length: number): string {
    this.textCount += 1;
    return `${this.textCount} ${'x'.repeat(length)}`;
  }
}
