// Keeps a second process out of a directory that this one owns: a file with pid and start time,
// taken over when that process is gone. Used for MEDIA_DIR and RECORD_DIR.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const LOCK_FILE = '.owner';

export class DirectoryLock {
  readonly root: string;

  /** @param setting that names the directory, for the message */
  constructor(
    directory: string,
    private readonly setting: string,
  ) {
    this.root = resolve(directory);
  }

  /** Makes the directory and takes it. @throws Error that names the setting when it is in use */
  async lock(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    const file = join(this.root, LOCK_FILE);
    const owner = await readFile(file, 'utf8').catch(() => '');
    const [pid = '', startTime = ''] = owner.trim().split(' ');
    const isAlive = startTime !== '' && (await startTimeOf(pid)) === startTime;
    if (isAlive && Number(pid) !== process.pid) {
      const { setting, root } = this;
      throw new Error(`${setting}=${root} is in use by process ${pid}: give each node its own`);
    }
    await writeFile(file, `${process.pid} ${await startTimeOf(String(process.pid))}\n`);
  }

  async unlock(): Promise<void> {
    await rm(join(this.root, LOCK_FILE), { force: true });
  }
}

/**
 * Field 22 of /proc/<pid>/stat: tells a process from a later one with the same pid; '' when it is
 * gone.
 */
async function startTimeOf(pid: string): Promise<string> {
  const stat = await readFile(`/proc/${Number(pid)}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
