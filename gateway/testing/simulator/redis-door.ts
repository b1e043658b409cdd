// One worker's way to the modelled Redis: commands and feeds over links with delay that can be cut,
// behind the same types as the real client and subscriber. A command that was carried out and whose
// answer was lost looks like one that was lost, as on a real link.
import type { FeedListener, RedisClient, RedisSubscriber } from '../../../cluster/index.js';
import type { SeededRandom } from '../../../cluster/testing/index.js';
import { channelOfKey, type RedisModel } from './redis-model.js';
import type { VirtualTime } from './virtual-time.js';
import { runScript } from './script-calls.js';

export interface DoorOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly model: RedisModel;
  /** Until when the server is stopped; 0 = it runs. */
  readonly pausedUntilMs: () => number;
  /** Feeds are not given back. */
  readonly keepsFeeds: boolean;
}

interface Call {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

const DELAY_MAX_MS = 8;
const RECONNECT_MS = 60;

export class RedisDoor {
  status = 'ready';
  private readonly calls = new Set<Call>();
  private readonly feeds = new Map<string, FeedListener>();
  private readonly live = new Set<string>();
  private askedMs = 0;
  private answeredMs = 0;
  private heardMs = 0;
  private feedLink = 1;
  /** Feeds of which nothing arrives, without a word of it. */
  private readonly muted = new Set<string>();

  constructor(private readonly options: DoorOptions) {}

  /** What the gateway takes for its connection to Redis. */
  get client(): RedisClient {
    const ask = (work: () => unknown): Promise<unknown> => this.ask(work);
    const { model } = this.options;
    const run = (_: string, args: readonly (string | number | Buffer)[]): Promise<unknown> =>
      ask(() => runScript(model, args, this.options.time.nowMs));
    const status = (): string => this.status;
    const client = {
      get status() {
        return status();
      },
      call: run,
      callBuffer: run,
      hmget: (key: string, ...fields: string[]) =>
        ask(() => fields.map((field) => model.row(channelOfKey(key)).settings.get(field) ?? null)),
      hgetall: (key: string) =>
        ask(() => Object.fromEntries(model.row(channelOfKey(key)).settings)),
      zrange: (key: string) =>
        ask(() =>
          [...model.row(channelOfKey(key)).restrictions].flatMap(([member, till]) => [
            member,
            String(till),
          ]),
        ),
      // Nobody is sent away here.
      zrangebyscore: () => Promise.resolve([]),
    };
    return client as unknown as RedisClient;
  }

  get subscriber(): RedisSubscriber {
    return {
      subscribe: () => Promise.reject(new Error('feeds are followed')),
      follow: (name, listener) => {
        this.feeds.set(name, listener);
        this.options.time.after(this.delay(), () => {
          if (this.feeds.get(name) !== listener) return;
          this.live.add(name);
          listener.onLive(name);
        });
      },
      unsubscribe: (name) => {
        if (this.options.keepsFeeds) return;
        this.feeds.delete(name);
        this.live.delete(name);
      },
      stats: () => ({ channels: this.feeds.size, messages: 0, gaps: 0, reconnects: 0, moves: 0 }),
      isWhole: () => true,
      close: () => this.feeds.clear(),
    };
  }

  /** Feeds that are followed. */
  get feedCount(): number {
    return this.feeds.size;
  }

  /** The server has published something. */
  publish(feed: string, packet: Buffer): void {
    if (!this.live.has(feed) || this.muted.has(feed)) return;
    const link = this.feedLink;
    this.heardMs = Math.max(this.heardMs, this.options.time.nowMs + this.delay());
    this.options.time.after(this.heardMs - this.options.time.nowMs, () => {
      if (link === this.feedLink) this.feeds.get(feed)?.onMessage(packet, feed);
    });
  }

  /** Until `unmute` nothing of a feed arrives, and nobody is told. */
  mute(feed: string): void {
    this.muted.add(feed);
  }

  unmute(): void {
    this.muted.clear();
  }

  /** What is on its way is lost; the feeds are back a moment later, and say that there is a gap. */
  cutFeeds(ms: number): void {
    this.feedLink += 1;
    const link = this.feedLink;
    this.live.clear();
    this.options.time.after(ms + RECONNECT_MS, () => {
      if (link !== this.feedLink) return;
      for (const [name, listener] of this.feeds) {
        this.live.add(name);
        listener.onGap(name);
      }
    });
  }

  /** Answers on their way are lost, and commands that have not arrived. */
  cutCommands(ms: number): void {
    this.status = 'reconnecting';
    const calls = [...this.calls];
    this.calls.clear();
    for (const { reject } of calls) reject(new Error('Connection is closed.'));
    this.options.time.after(ms, () => (this.status = 'ready'));
  }

  private ask(work: () => unknown): Promise<unknown> {
    const { time, pausedUntilMs } = this.options;
    if (this.status !== 'ready') return Promise.reject(new Error('Connection is closed.'));
    return new Promise((resolve, reject) => {
      const call = { resolve, reject };
      this.calls.add(call);
      this.askedMs = Math.max(this.askedMs, time.nowMs + this.delay());
      const arrive = (): void => {
        const pauseMs = pausedUntilMs() - time.nowMs;
        if (pauseMs > 0) time.after(pauseMs, arrive);
        else if (this.calls.has(call)) this.answer(call, work);
      };
      time.after(this.askedMs - time.nowMs, arrive);
    });
  }

  private answer(call: Call, work: () => unknown): void {
    const { time } = this.options;
    const reply = work();
    this.answeredMs = Math.max(this.answeredMs, time.nowMs + this.delay());
    time.after(this.answeredMs - time.nowMs, () => {
      if (this.calls.delete(call)) call.resolve(reply);
    });
  }

  private delay(): number {
    return this.options.random.int(0, DELAY_MAX_MS);
  }
}
