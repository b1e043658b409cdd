// The generator process: one group of readers. Apart from the servers, so that their CPU is theirs
// alone.
import { offer } from '../lib/open-loop.js';
import { serveParent, tellParent } from '../lib/node-child.js';
import type { GeneratorCalls, OpenArgs, Progress, Totals } from './calls.js';
import { createDialect, type Dialect, type Witness } from './dialects.js';
import { setTimeout as delay } from 'node:timers/promises';
import { openReader, type Reader, type ReaderOptions } from './reader.js';

const PROGRESS_MS = 5;
const ADMISSION_ATTEMPTS = 60;
const ADMISSION_PAUSE_MS = 250;

let readers: Reader[] = [];
let dialect: Dialect | undefined;
/** The first belongs to the first reader. */
let witnesses: Witness[] = [];
/** Servers that the readers are shared out to; each has a witness of its own. */
let nodes = 1;
let paused: readonly Reader[] = [];
let lost = 0;
let refused = 0;
let base = { repeats: 0, cpu: process.cpuUsage() };
let isOpening = false;

/** A server that is behind answers 503 and means it: the client comes back later. */
async function openWhenAdmitted(options: ReaderOptions): Promise<Reader> {
  for (let left = ADMISSION_ATTEMPTS; ; left -= 1) {
    try {
      return await openReader(options);
    } catch (thrown) {
      const isRefused = thrown instanceof Error && thrown.message.includes(' 503 ');
      if (!isRefused || left === 0) throw thrown;
      refused += 1;
      await delay(ADMISSION_PAUSE_MS);
    }
  }
}

async function open(args: OpenArgs): Promise<{ ms: number; refused: number }> {
  const spoken = createDialect(args.setup);
  dialect = spoken;
  const started = performance.now();
  witnesses = [];
  const ports = [args.port, ...(args.morePorts ?? [])];
  nodes = ports.length;
  const step = args.count / (args.witnesses ?? nodes);
  const isWitness = (index: number): boolean => index === Math.round(witnesses.length * step);
  let next = 0;
  isOpening = true;
  refused = 0;
  const work = async (): Promise<void> => {
    while (next < args.count) {
      const index = next;
      next += 1;
      const witness = isWitness(index) ? spoken.witness() : undefined;
      if (witness !== undefined) witnesses.push(witness);
      readers[index] = await openWhenAdmitted({
        ...{ dialect: spoken, index, host: args.host },
        port: ports[nodeOf(index, args.count)] ?? args.port,
        witness,
        onLost: () => (lost += 1),
      });
    }
  };
  await Promise.all(Array.from({ length: args.inFlight }, work));
  isOpening = false;
  return { ms: performance.now() - started, refused };
}

/** Readers come in as many equal parts as there are nodes. */
function nodeOf(index: number, count: number): number {
  return Math.floor((index * nodes) / count);
}

/** The first reader of the same node. */
function witnessOf(index: number): Reader | undefined {
  return readers[Math.ceil((nodeOf(index, readers.length) * readers.length) / nodes)];
}

function mark(): null {
  for (const reader of readers) {
    reader.scanner.bytes = 0;
    reader.scanner.frames = 0;
    reader.messagesBefore = reader.witness?.messages ?? 0;
  }
  for (const { faults, latencies } of witnesses) {
    faults.length = 0;
    latencies.length = 0;
  }
  base = {
    repeats: repeats(),
    cpu: process.cpuUsage(),
  };
  return null;
}

function progress(): Progress {
  let bytes = 0;
  for (const reader of readers) bytes += reader.scanner.bytes;
  return {
    messages: messagesOf(readers[0]) ?? 0,
    witnessBytes: readers[0]?.scanner.bytes ?? 0,
    bytes,
  };
}

function repeats(): number {
  return witnesses.reduce((sum, witness) => sum + witness.repeats, 0);
}

/** Decoded since the mark; undefined for a reader that does not decode. */
function messagesOf(reader: Reader | undefined): number | undefined {
  if (reader?.witness === undefined) return undefined;
  return reader.witness.messages - reader.messagesBefore;
}

function totals(): Totals {
  const now = progress();
  const missing = readers.map((reader) => now.messages - (messagesOf(reader) ?? now.messages));
  const isBehind = (reader: Reader, index: number): boolean => {
    const messages = messagesOf(reader);
    return messages === undefined
      ? reader.scanner.bytes !== witnessOf(index)?.scanner.bytes
      : messages !== now.messages;
  };
  const cpu = process.cpuUsage(base.cpu);
  return {
    ...now,
    witnessFrames: readers[0]?.scanner.frames ?? 0,
    behind: readers.filter(isBehind).length,
    missingMessages: missing.reduce((sum, count) => sum + count, 0),
    repeats: repeats() - base.repeats,
    missingBytes: readers.length * now.witnessBytes - now.bytes,
    lost,
    faults: witnesses.flatMap(({ faults }) => faults),
    cpuMicros: cpu.user + cpu.system,
  };
}

async function say({ perSec, speakers }: GeneratorCalls['say']['args']): Promise<null> {
  await offer({ perSec, count: speakers.length }, (due, at) => {
    const speaker = speakers[at] ?? 0;
    const frame = dialect?.say?.(speaker, `${due} hello there`);
    if (frame === undefined) throw new Error('clients of this server cannot say anything');
    readers[speaker]?.send(frame);
    return Promise.resolve();
  });
  return null;
}

let lastBytes = -1;
setInterval(() => {
  if (isOpening || readers.length === 0) return;
  const now = progress();
  if (now.bytes === lastBytes) return;
  lastBytes = now.bytes;
  tellParent(now);
}, PROGRESS_MS);

serveParent<GeneratorCalls>({
  open,
  mark,
  totals,
  say,
  latencies: () => Float64Array.from(witnesses.flatMap(({ latencies }) => latencies)),
  pause({ count }) {
    paused = readers.slice(-count);
    for (const reader of paused) reader.pause();
    return null;
  },
  resume() {
    for (const reader of paused) reader.resume();
    paused = [];
    return null;
  },
  close() {
    for (const reader of readers) reader.close();
    readers = [];
    lost = 0;
    return null;
  },
});
