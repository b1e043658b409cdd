// The generator process: one group of readers. Apart from the servers, so that their CPU is theirs alone.
import { serveParent, tellParent } from '../lib/node-child.js';
import type { GeneratorCalls, OpenArgs, Progress, Totals } from './calls.js';
import { createDialect, type Witness } from './dialects.js';
import { openReader, type Reader } from './reader.js';

const PROGRESS_MS = 5;
const READERS_PER_ADDRESS = 10_000;

let readers: Reader[] = [];
let witness: Witness | undefined;
let paused: readonly Reader[] = [];
let lost = 0;
let base = { messages: 0, faults: 0, cpu: process.cpuUsage() };
let isOpening = false;

async function open(args: OpenArgs): Promise<{ ms: number }> {
  const dialect = createDialect(args.setup);
  const started = performance.now();
  witness = dialect.witness();
  let next = 0;
  isOpening = true;
  const work = async (): Promise<void> => {
    while (next < args.count) {
      const index = next;
      next += 1;
      readers[index] = await openReader({
        ...{ dialect, index, host: args.host, port: args.port },
        localAddress: `127.0.0.${2 + Math.floor(index / READERS_PER_ADDRESS)}`,
        witness: index === 0 ? witness : undefined,
        onLost: () => (lost += 1),
      });
    }
  };
  await Promise.all(Array.from({ length: args.inFlight }, work));
  isOpening = false;
  return { ms: performance.now() - started };
}

function mark(): null {
  for (const reader of readers) {
    reader.scanner.bytes = 0;
    reader.scanner.frames = 0;
  }
  base = {
    messages: witness?.messages ?? 0,
    faults: witness?.faults.length ?? 0,
    cpu: process.cpuUsage(),
  };
  return null;
}

function progress(): Progress {
  let bytes = 0;
  for (const reader of readers) bytes += reader.scanner.bytes;
  return {
    messages: (witness?.messages ?? 0) - base.messages,
    witnessBytes: readers[0]?.scanner.bytes ?? 0,
    bytes,
  };
}

function totals(): Totals {
  const now = progress();
  const cpu = process.cpuUsage(base.cpu);
  return {
    ...now,
    witnessFrames: readers[0]?.scanner.frames ?? 0,
    behind: readers.filter((reader) => reader.scanner.bytes !== now.witnessBytes).length,
    lost,
    faults: (witness?.faults ?? []).slice(base.faults),
    cpuMicros: cpu.user + cpu.system,
  };
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
  pause({ count }) {
    paused = readers.slice(1, 1 + count);
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
