// CPU time of another process, all its threads, in microseconds. Read from the scheduler
// (nanoseconds) because /proc/<pid>/stat counts in ticks of 10 ms, a percent of a two-second round.
import { readdirSync, readFileSync } from 'node:fs';

const CLOCK_TICK_US = 10_000;

/** Threads that have ended are missing; servers under test keep theirs. */
export function cpuMicros(pid: number): number {
  try {
    let nanos = 0;
    for (const task of readdirSync(`/proc/${pid}/task`)) nanos += taskNanos(pid, task);
    if (nanos > 0) return nanos / 1_000;
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
  return cpuMicrosOfStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

function taskNanos(pid: number, task: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
  } catch (thrown) {
    if (isMissing(thrown)) return 0; // a thread that ended between the two reads
    throw thrown;
  }
}

/** utime + stime of a stat line (proc(5)); the command name may hold spaces and parentheses. */
export function cpuMicrosOfStat(line: string): number {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_US;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line?.[1] ?? Number.NaN) * 1_024;
}

/** Processes that this one has started. */
export function childPids(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    (thrown.code === 'ENOENT' || thrown.code === 'ESRCH')
  );
}
