// Metrics of the gateway. Labels are bounded: namespaces, transports, reasons; never a room or a
// user.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Counter, Gauge, Histogram, Metrics } from '../cluster/index.js';
import type { Channel } from './channel.js';

/** What gauges show is asked when Prometheus asks. */
export interface GatewayGauges {
  connections(): number;
  channels(): number;
  subscriptions(): number;
  laggingReaders(): number;
  flushWindowMs(): number;
  pendingPublishes(): number;
}

export interface GatewayMetrics {
  readonly connects: Counter<'transport'>;
  readonly rejects: Counter<'reason'>;
  readonly closes: Counter<'code'>;
  readonly commands: Counter<'command'>;
  readonly commandErrors: Counter<'code'>;
  readonly flushes: Counter<'namespace'>;
  readonly deliveries: Counter<'namespace'>;
  readonly flushSize: Histogram;
  readonly feedLatency: Histogram;
  readonly publishLatency: Histogram;
  readonly publishes: Counter<'outcome'>;
  readonly gaps: Counter;
  readonly gapMessages: Counter;
  readonly resets: Counter;
  readonly resumes: Counter<'source'>;
  readonly slowReaders: Counter;
  readonly slowReadersClosed: Counter;
  readonly redisErrors: Counter<'operation'>;
  readonly evictions: Counter<'reason'>;
  readonly moderations: Counter<'action'>;
  flushed(channel: Channel, messages: number): void;
  watch(gauges: GatewayGauges): void;
}

const loop = monitorEventLoopDelay({ resolution: 10 });
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const counter = <L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
  ): Counter<L> => metrics.counter({ name: `showbill_gateway_${name}_total`, help, labels });
  const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    metrics.histogram({ name: `showbill_gateway_${name}`, help, buckets });
  const flushes = counter('flushes', 'Frames published to all listeners of a channel.', [
    'namespace',
  ]);
  const deliveries = counter('deliveries', 'Messages times live listeners.', ['namespace']);
  const flushSize = histogram('flush_messages', 'Messages in one flush.', [1, 2, 4, 8, 16, 32, 64]);
  loop.enable(); // once per process, however many workers are in it
  return {
    flushes,
    deliveries,
    flushSize,
    connects: counter('connects', 'Accepted connect commands.', ['transport']),
    rejects: counter('rejects', 'Connections refused before they were open.', ['reason']),
    closes: counter('closes', 'Closed connections by close code.', ['code']),
    commands: counter('commands', 'Commands from clients.', ['command']),
    commandErrors: counter('command_errors', 'Commands answered with an error.', ['code']),
    feedLatency: histogram(
      'feed_latency_seconds',
      'From sequencing to arrival at this worker, by the clocks of both.',
      LATENCY_BUCKETS,
    ),
    publishLatency: histogram(
      'publish_latency_seconds',
      'From the arrival of a flush to its sequence numbers.',
      LATENCY_BUCKETS,
    ),
    publishes: counter('publishes', 'Messages from clients by verdict.', ['outcome']),
    gaps: counter('gaps', 'Holes found in feeds.'),
    gapMessages: counter('gap_messages', 'Messages that came from history instead of the feed.'),
    resets: counter('resets', 'Sequences that could not be continued.'),
    resumes: counter('resumes', 'Resumed subscriptions by where the messages came from.', [
      'source',
    ]),
    slowReaders: counter('slow_readers', 'Sockets taken off live delivery.'),
    slowReadersClosed: counter('slow_readers_closed', 'Sockets closed because they read nothing.'),
    redisErrors: counter('redis_errors', 'Failed Redis operations.', ['operation']),
    evictions: counter('evictions', 'Subscriptions ended by the server.', ['reason']),
    moderations: counter('moderations', 'Moderation commands.', ['action']),
    flushed(channel, messages) {
      const { namespace, listeners } = channel;
      flushes.inc({ namespace });
      if (listeners > 0) deliveries.inc({ namespace }, messages * listeners);
      flushSize.observe(messages);
    },
    watch: (gauges) => watch(metrics, gauges),
  };
}

function watch(metrics: Metrics, gauges: GatewayGauges): void {
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    metrics.gauge({
      name: `showbill_gateway_${name}`,
      help,
      collect() {
        this.set(read());
      },
    });
  gauge('connections', 'Open connections.', () => gauges.connections());
  gauge('channels', 'Channels followed by this worker.', () => gauges.channels());
  gauge('subscriptions', 'Subscriptions of all connections.', () => gauges.subscriptions());
  gauge('lagging_readers', 'Sockets served from the ring.', () => gauges.laggingReaders());
  gauge(
    'flush_window_seconds',
    'Window of the largest channel.',
    () => gauges.flushWindowMs() / 1e3,
  );
  gauge('pending_publishes', 'Messages waiting for Redis.', () => gauges.pendingPublishes());
  gauge('event_loop_lag_seconds', 'Event-loop delay, p99 since the last scrape.', () => {
    const seconds = loop.percentile(99) / 1e9;
    loop.reset();
    return Number.isFinite(seconds) ? seconds : 0;
  });
}
