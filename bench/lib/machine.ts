// What the numbers were measured on. Part of every result file; two results of different machines
// are not comparable but by their ratios.
import { execFileSync } from 'node:child_process';
import { arch, cpus, freemem, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  readonly redis: string;
  readonly mariadb: string;
  readonly commit: string;
  /** True when the work tree differed from the commit. */
  readonly isDirty: boolean;
  /** One-minute load before the run; above 0.5 per core others were at work. */
  readonly loadBefore: number;
  readonly freeMemoryGb: number;
  readonly startedAt: string;
}

export function describeMachine(): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: gigabytes(totalmem()),
    os: `${type()} ${release()} ${arch()}`,
    node: process.version,
    redis: firstMatch(output('redis-server', ['--version']), /v=(\S+)/),
    mariadb: firstMatch(output('/usr/sbin/mariadbd', ['--version']), /Ver (\S+)/),
    commit: output('git', ['rev-parse', '--short', 'HEAD']).trim(),
    isDirty: output('git', ['status', '--porcelain', '--untracked-files=no']).trim() !== '',
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    freeMemoryGb: gigabytes(freemem()),
    startedAt: new Date().toISOString(),
  };
}

export function isBusy(machine: Machine): boolean {
  return machine.loadBefore > 0.5 * machine.cores;
}

function gigabytes(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 10) / 10;
}

function firstMatch(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? 'unknown';
}

function output(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  } catch {
    return '';
  }
}
