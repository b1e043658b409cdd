// Metrics of the gateway. Labels are bounded: namespaces, transports, reasons; never a room or a
// user.
import type { Counter, Histogram, Metrics } from '../cluster/index.js';
import type { Channel } from './channel.js';
import {
  watchGauges,
  watchTally,
  watchTraffic,
  type GatewayGauges,
  type Transport,
} from './gauges.js';
import type { CommandName } from './protocol/index.js';
import { Tally } from './tally.js';
import { noTraffic, type Traffic } from './traffic.js';

export interface GatewayMetrics {
  readonly connects: Tally<Transport>;
  readonly rejects: Counter<'reason'>;
  readonly closes: Counter<'code'>;
  readonly commands: Tally<CommandName>;
  readonly commandErrors: Counter<'code'>;
  readonly flushes: Counter<'namespace'>;
  readonly deliveries: Counter<'namespace'>;
  readonly flushSize: Histogram;
  readonly feedLatency: Histogram;
  readonly publishLatency: Histogram;
  readonly deliveryLatency: Histogram;
  readonly moderationLatency: Histogram;
  readonly scripts: Histogram<'script'>;
  readonly batchSize: Histogram;
  readonly publishes: Counter<'outcome'>;
  readonly gaps: Counter;
  readonly gapMessages: Counter;
  readonly lostMessages: Counter;
  readonly resets: Counter;
  readonly resumes: Counter<'source'>;
  readonly droppedFrames: Counter<'transport'>;
  readonly slowReaders: Counter;
  readonly slowReadersClosed: Counter;
  readonly redisErrors: Counter<'operation'>;
  readonly evictions: Counter<'reason'>;
  readonly moderations: Counter<'action'>;
  /** Counted by the transports. */
  readonly traffic: Readonly<Record<Transport, Traffic>>;
  /** `oldestMs` is the time of the oldest message in the flush. */
  flushed(channel: Channel, messages: number, time: { oldestMs: number; nowMs: number }): void;
  watch(gauges: GatewayGauges): void;
}

const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64];
const SCRIPT_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const counter = <L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
  ): Counter<L> => metrics.counter({ name: `showbill_gateway_${name}_total`, help, labels });
  const tally = <L extends string>(name: string, help: string, label: string): Tally<L> => {
    const counts = new Tally<L>();
    watchTally(metrics, counts, { name: `showbill_gateway_${name}_total`, help, label });
    return counts;
  };
  const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    metrics.histogram({ name: `showbill_gateway_${name}`, help, buckets });
  const flushes = counter('flushes', 'Frames published to all listeners of a channel.', [
    'namespace',
  ]);
  const deliveries = counter('deliveries', 'Messages times live listeners.', ['namespace']);
  const flushSize = histogram('flush_messages', 'Messages in one flush.', SIZE_BUCKETS);
  const deliveryLatency = histogram(
    'delivery_latency_seconds',
    'From sequencing to the sockets of this worker, of the oldest message in a flush.',
    LATENCY_BUCKETS,
  );
  const traffic = { websocket: noTraffic(), sockjs: noTraffic() };
  watchTraffic(metrics, traffic);
  return {
    flushes,
    deliveries,
    flushSize,
    deliveryLatency,
    traffic,
    ...latencies(metrics, histogram),
    connects: tally('connects', 'Accepted connect commands.', 'transport'),
    rejects: counter('rejects', 'Connections refused before they were open.', ['reason']),
    closes: counter('closes', 'Closed connections by close code.', ['code']),
    commands: tally('commands', 'Commands from clients.', 'command'),
    commandErrors: counter('command_errors', 'Commands answered with an error.', ['code']),
    batchSize: histogram('batch_messages', 'Messages in one sequencing step.', SIZE_BUCKETS),
    publishes: counter('publishes', 'Messages from clients by verdict.', ['outcome']),
    gaps: counter('gaps', 'Holes found in feeds.'),
    gapMessages: counter('gap_messages', 'Messages that came from history instead of the feed.'),
    lostMessages: counter('lost_messages', 'Messages of holes that history did not have any more.'),
    resets: counter('resets', 'Sequences that could not be continued.'),
    resumes: counter('resumes', 'Resumed subscriptions by where the messages came from.', [
      'source',
    ]),
    droppedFrames: counter('dropped_frames', 'Published frames that did not fit a socket.', [
      'transport',
    ]),
    slowReaders: counter('slow_readers', 'Sockets taken off live delivery.'),
    slowReadersClosed: counter('slow_readers_closed', 'Sockets closed because they read nothing.'),
    redisErrors: counter('redis_errors', 'Failed Redis operations.', ['operation']),
    evictions: counter('evictions', 'Subscriptions ended by the server.', ['reason']),
    moderations: counter('moderations', 'Moderation commands.', ['action']),
    flushed(channel, messages, { oldestMs, nowMs }) {
      const { namespace, listeners } = channel;
      flushes.inc({ namespace });
      if (listeners > 0) {
        deliveries.inc({ namespace }, messages * listeners);
        deliveryLatency.observe(Math.max(0, nowMs - oldestMs) / 1_000);
      }
      flushSize.observe(messages);
    },
    watch: (gauges) => watchGauges(metrics, gauges),
  };
}

type MakeHistogram = (name: string, help: string, buckets: readonly number[]) => Histogram;

function latencies(metrics: Metrics, histogram: MakeHistogram) {
  return {
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
    moderationLatency: histogram(
      'moderation_latency_seconds',
      'From an act of moderation to its place in the sequence.',
      LATENCY_BUCKETS,
    ),
    scripts: metrics.histogram({
      name: 'showbill_gateway_script_seconds',
      help: 'Lua scripts by name, from the call to the answer of Redis.',
      labels: ['script'],
      buckets: SCRIPT_BUCKETS,
    }),
  };
}
