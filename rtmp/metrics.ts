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

export interface OverloadMetrics {
  readonly level: Gauge;
  readonly sheds: Counter;
}

export function createOverloadMetrics(metrics: Metrics): OverloadMetrics {
  return {
    level: metrics.gauge({
      name: 'showbill_rtmp_overload_level',
      help: 'Overload level: 0 normal, 1 sheds encodings, 2 also refuses new publishers.',
    }),
    sheds: metrics.counter({
      name: 'showbill_rtmp_overload_sheds_total',
      help: 'Encodings that were given up because the node was overloaded.',
    }),
  };
}

export interface RecordingMetrics {
  readonly open: Gauge;
  readonly ended: Counter<'end'>;
  readonly writtenBytes: Counter;
  readonly mp4s: Counter<'outcome'>;
}

export function createRecordingMetrics(metrics: Metrics): RecordingMetrics {
  return {
    open: metrics.gauge({
      name: 'showbill_recording_files',
      help: 'Files that are being recorded by this node.',
    }),
    ended: metrics.counter({
      name: 'showbill_recording_ended_total',
      help: 'Recorded files by the reason for which they were closed.',
      labels: ['end'],
    }),
    writtenBytes: metrics.counter({
      name: 'showbill_recording_written_bytes_total',
      help: 'Bytes of recorded files, counted when they are closed.',
    }),
    mp4s: metrics.counter({
      name: 'showbill_recording_mp4_total',
      help: 'Recordings turned into MP4 files, by outcome: made or failed.',
      labels: ['outcome'],
    }),
  };
}

/** Metrics of the way from a publish to HLS viewers. */
export interface HlsMetrics {
  readonly shows: Gauge;
  readonly viewers: Gauge;
  readonly processes: Gauge;
  readonly cpuReserved: Gauge;
  readonly runs: Counter<'kind'>;
  readonly failures: Counter<'reason'>;
  readonly overloads: Counter;
  readonly refusals: Counter<'reason'>;
  readonly segments: Counter<'outcome'>;
  readonly requests: Counter<'kind' | 'status'>;
  readonly waiting: Gauge;
  readonly servedBytes: Counter<'kind'>;
}

export function createHlsMetrics(metrics: Metrics): HlsMetrics {
  return {
    shows: metrics.gauge({
      name: 'showbill_hls_shows',
      help: 'Shows of this node that can be watched, those whose publisher is away included.',
    }),
    viewers: metrics.gauge({
      name: 'showbill_hls_viewers',
      help: 'Distinct sessions that asked this node for a playlist within two target durations.',
    }),
    processes: metrics.gauge({
      name: 'showbill_hls_ffmpeg_processes',
      help: 'Running ffmpeg children.',
    }),
    cpuReserved: metrics.gauge({
      name: 'showbill_hls_cpu_reserved_ratio',
      help: 'Expected cost of the running plans; 1 = one core.',
    }),
    runs: metrics.counter({
      name: 'showbill_hls_runs_total',
      help: 'ffmpeg runs that were started, by plan: copy or encode.',
      labels: ['kind'],
    }),
    failures: metrics.counter({
      name: 'showbill_hls_ffmpeg_failures_total',
      help: 'ffmpeg runs that ended by themselves or were ended as unhealthy, by reason.',
      labels: ['reason'],
    }),
    overloads: metrics.counter({
      name: 'showbill_hls_overloads_total',
      help: 'Runs that were ended because they were stale or too slow for real time.',
    }),
    refusals: metrics.counter({
      name: 'showbill_hls_refusals_total',
      help: 'Publishers that were dropped by the packager, by reason: capacity, circuit or disk-full.',
      labels: ['reason'],
    }),
    segments: metrics.counter({
      name: 'showbill_hls_segments_total',
      help: 'Finished segments by outcome: listed, or refused because they would break a playlist.',
      labels: ['outcome'],
    }),
    requests: metrics.counter({
      name: 'showbill_hls_requests_total',
      help: 'HTTP requests by kind (master, media, segment, part, other) and status.',
      labels: ['kind', 'status'],
    }),
    waiting: metrics.gauge({
      name: 'showbill_hls_waiting_requests',
      help: 'Requests that wait for a playlist or part of a low-latency show to be ready.',
    }),
    servedBytes: metrics.counter({
      name: 'showbill_hls_served_bytes_total',
      help: 'Body bytes of answers by kind.',
      labels: ['kind'],
    }),
  };
}
