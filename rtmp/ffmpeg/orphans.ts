// Ends ffmpeg processes that an earlier life of this node left behind. They are known by their
// arguments, which hold paths below the media directory, so nobody else's ffmpeg is touched. Linux
// only.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

export interface SweepOptions {
  /** Absolute. */
  readonly mediaDir: string;
  /** Processes that are not orphans: our own children. */
  readonly isOurs?: (pid: number) => boolean;
}

/** @returns the pids that were ended */
export async function sweepOrphans({ mediaDir, isOurs }: SweepOptions): Promise<readonly number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const ended: number[] = [];
  for (const pid of pids) {
    if (pid === process.pid || isOurs?.(pid) === true) continue;
    if (await isFfmpegOf(pid, mediaDir)) {
      if (tryKill(pid)) ended.push(pid);
    }
  }
  return ended;
}

async function isFfmpegOf(pid: number, mediaDir: string): Promise<boolean> {
  try {
    const [exe, commandLine] = await Promise.all([
      readlink(`/proc/${pid}/exe`),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    if (!basename(exe).startsWith('ffmpeg')) return false;
    return commandLine.split('\0').some((argument) => argument.startsWith(`${mediaDir}/`));
  } catch {
    // Ended meanwhile, or another user's.
    return false;
  }
}

function tryKill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
