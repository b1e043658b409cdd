// Metrics of RTMP ingest. Labels are small closed sets: never a stream, key, session or address.

import type { Counter, Gauge, Histogram, Metrics } from '../cluster/index.js';

export interface IngestMetrics {
  readonly connections: Gauge;
  readonly publishers: Gauge;
  readonly players: Gauge;
  readonly sessions: Counter<'kind' | 'end'>;
  readonly refusals: Counter<'code'>;
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  readonly droppedTags: Counter;
  readonly hookCalls: Counter<'call' | 'outcome'>;
  readonly hookSeconds: Histogram<'call'>;
  readonly doneQueue: Gauge;
}

export function createIngestMetrics(metrics: Metrics): IngestMetrics {
  return {
    connections: metrics.gauge({
      name: 'showbill_rtmp_connections',
      help: 'Open RTMP connections in any state.',
    }),
    publishers: metrics.gauge({
      name: 'showbill_rtmp_publishers',
      help: 'Accepted publishers that are live on this node.',
    }),
    players: metrics.gauge({
      name: 'showbill_rtmp_players',
      help: 'RTMP players that are being served by this node.',
    }),
    sessions: metrics.counter({
      name: 'showbill_rtmp_sessions_total',
      help: 'Ended RTMP connections by what they did and how they ended.',
      labels: ['kind', 'end'],
    }),
    refusals: metrics.counter({
      name: 'showbill_rtmp_refusals_total',
      help: 'Connects, publishes and plays that were refused, by error code.',
      labels: ['code'],
    }),
    receivedBytes: metrics.counter({
      name: 'showbill_rtmp_received_bytes_total',
      help: 'Bytes received over RTMP.',
    }),
    sentBytes: metrics.counter({
      name: 'showbill_rtmp_sent_bytes_total',
      help: 'Bytes given to RTMP sockets.',
    }),
    droppedTags: metrics.counter({
      name: 'showbill_rtmp_dropped_tags_total',
      help: 'Tags that slow players did not get.',
    }),
    hookCalls: metrics.counter({
      name: 'showbill_rtmp_hook_calls_total',
      help: 'Hook calls by kind and outcome (accept, redirect, deny, failed).',
      labels: ['call', 'outcome'],
    }),
    hookSeconds: metrics.histogram({
      name: 'showbill_rtmp_hook_seconds',
      help: 'Time until a hook has answered.',
      labels: ['call'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10],
    }),
    doneQueue: metrics.gauge({
      name: 'showbill_rtmp_done_queue',
      help: 'Done events that no hook has accepted yet.',
    }),
  };
}
