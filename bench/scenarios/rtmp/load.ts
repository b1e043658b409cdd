// One measured stretch of RTMP load on one server: CPU of its process over a window, resident
// memory, and the proof that the load was carried.
import { setTimeout as delay } from 'node:timers/promises';
import type { RtmpLoadCalls } from '../../generator/rtmp-load.js';
import type { NodeChild } from '../../lib/node-child.js';
import { startNodeChild } from '../../lib/node-child.js';
import { cpuMicros, residentBytes } from '../../lib/process-cpu.js';
import type { Run } from '../../lib/run-context.js';
import type { BenchRtmpServer } from '../../servers/rtmp-server.js';

export interface RtmpPoint {
  readonly publishers: number;
  readonly players: number;
  readonly stalled: number;
  readonly scale: number;
}

export interface RtmpSample {
  /** CPU of the server, percent of one core. */
  readonly cpuPercent: number;
  readonly generatorPercent: number;
  readonly residentMb: number;
  /** Growth of resident memory over the window. */
  readonly grownMb: number;
  readonly mbitPerSecOut: number;
  readonly witnessGaps: number;
}

/** Connecting and the first burst are not what is measured. */
const SETTLE_MS = 1_500;
const MEGABYTE = 1_048_576;

export function startRtmpLoad(run: Run): NodeChild<RtmpLoadCalls> {
  return startNodeChild<RtmpLoadCalls>(run.scope, {
    entry: run.tree.entry('bench/generator/rtmp-load.ts'),
  });
}

export async function measureRtmp(
  load: NodeChild<RtmpLoadCalls>,
  server: BenchRtmpServer,
  point: RtmpPoint,
  windowMs: number,
): Promise<RtmpSample> {
  const { port, publishApp, playApp } = server;
  await load.call('open', { target: { port, publishApp, playApp }, ...point });
  await delay(SETTLE_MS);
  const before = await load.call('figures', null);
  const memory = residentBytes(server.pid);
  const from = { at: performance.now(), cpu: cpuMicros(server.pid), own: cpuMicros(load.pid) };
  await delay(windowMs);
  const spanUs = (performance.now() - from.at) * 1_000;
  const cpuPercent = ((cpuMicros(server.pid) - from.cpu) / spanUs) * 100;
  const generatorPercent = ((cpuMicros(load.pid) - from.own) / spanUs) * 100;
  const residentMb = residentBytes(server.pid) / MEGABYTE;
  const after = await load.call('figures', null);
  await load.call('close', null);
  if (after.lost > 0) throw new Error(`${server.name} has closed ${after.lost} connections`);
  await delay(300);
  return {
    cpuPercent,
    generatorPercent,
    residentMb,
    grownMb: residentMb - memory / MEGABYTE,
    mbitPerSecOut: ((after.receivedBytes - before.receivedBytes) * 8) / spanUs,
    witnessGaps: after.witnessGaps,
  };
}
