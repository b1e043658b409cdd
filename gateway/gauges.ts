// What the gateway's gauges show, and counters of what is counted elsewhere: asked when Prometheus
// asks, so that nothing is spent on them otherwise.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics, SubscriberStats } from '../cluster/index.js';
import type { Session } from './session.js';
import type { Tally } from './tally.js';
import type { Traffic } from './traffic.js';

export interface GatewayGauges {
  connections(): number;
  channels(): number;
  subscriptions(): number;
  laggingReaders(): number;
  flushWindowMs(): number;
  pendingPublishes(): number;
  coordinatedRooms(): number;
  sessions(): Iterable<Session>;
  feeds(): SubscriberStats;
}

export type Transport = Session['transport'];
export const TRANSPORTS: readonly Transport[] = ['websocket', 'sockjs'];
const STATES = ['connecting', 'connected', 'lagging'] as const;

const loop = monitorEventLoopDelay({ resolution: 10 });

export function watchGauges(metrics: Metrics, gauges: GatewayGauges): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({
      name: `showbill_gateway_${name}`,
      help,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('connections', 'Open connections.', () => gauges.connections());
  gauge('channels', 'Channels followed by this worker.', () => gauges.channels());
  gauge('subscriptions', 'Subscriptions of all connections.', () => gauges.subscriptions());
  gauge('lagging_readers', 'Sockets served from the ring.', () => gauges.laggingReaders());
  gauge('buffered_bytes', 'Bytes that sockets have not taken yet.', () => {
    let bytes = 0;
    for (const { socket } of gauges.sessions()) bytes += socket.bufferedBytes();
    return bytes;
  });
  gauge(
    'flush_window_seconds',
    'Window of the largest channel.',
    () => gauges.flushWindowMs() / 1e3,
  );
  gauge('pending_publishes', 'Messages waiting for Redis.', () => gauges.pendingPublishes());
  gauge('coordinated_rooms', 'Rooms that this worker looks after for the fleet.', () =>
    gauges.coordinatedRooms(),
  );
  loop.enable(); // once per process, however many workers are in it
  gauge('event_loop_lag_seconds', 'Event-loop delay, p99 since the last scrape.', () => {
    const seconds = loop.percentile(99) / 1e9;
    loop.reset();
    return Number.isFinite(seconds) ? seconds : 0;
  });
  watchSockets(metrics, gauges);
  watchFeeds(metrics, gauges);
}

function watchSockets(metrics: Metrics, gauges: GatewayGauges): void {
  metrics.gauge({
    name: 'showbill_gateway_sockets',
    help: 'Open connections by transport and state (lagging = served from the ring).',
    labels: ['transport', 'state'],
    collect() {
      for (const transport of TRANSPORTS) {
        for (const state of STATES) this.set({ transport, state }, 0);
      }
      for (const { transport, user, lagging } of gauges.sessions()) {
        const state =
          user === undefined ? 'connecting' : lagging === undefined ? 'connected' : 'lagging';
        this.inc({ transport, state });
      }
    },
  });
}

/** The links on which what happens in channels arrives from Redis. */
function watchFeeds(metrics: Metrics, gauges: GatewayGauges): void {
  const total = (name: string, help: string, read: () => number): void => {
    metrics.counter({
      name: `showbill_gateway_${name}_total`,
      help,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const feeds = (): SubscriberStats => gauges.feeds();
  total('feed_messages', 'Packets from Redis.', () => feeds().messages);
  total('feed_reconnects', 'Links to Redis that were made anew.', () => feeds().reconnects);
  total('feed_resubscribes', 'Channels subscribed anew after a loss.', () => feeds().gaps);
  total('feed_moves', 'Channels followed to another node with their slot.', () => feeds().moves);
}

/** Frames and bytes by transport and direction. */
export function watchTraffic(
  metrics: Metrics,
  traffic: Readonly<Record<Transport, Traffic>>,
): void {
  const total = (name: 'frames' | 'bytes', help: string): void => {
    metrics.counter({
      name: `showbill_gateway_${name}_total`,
      help,
      labels: ['transport', 'direction'],
      collect() {
        this.reset();
        for (const transport of TRANSPORTS) {
          const { [`${name}In` as const]: into, [`${name}Out` as const]: out } = traffic[transport];
          this.inc({ transport, direction: 'in' }, into);
          this.inc({ transport, direction: 'out' }, out);
        }
      },
    });
  };
  total('frames', 'Frames from and to clients.');
  total('bytes', 'Bytes of those frames, without the headers of their transport.');
}

/** The counts of a tally, by its label. */
export function watchTally<L extends string>(
  metrics: Metrics,
  tally: Tally<L>,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
): void {
  metrics.counter<string>({
    name,
    help,
    labels: [label],
    collect() {
      this.reset();
      for (const [value, count] of tally) this.inc({ [label]: value }, count);
    },
  });
}
