// A real disk that is soon full: a tmpfs of half a megabyte, for those who may mount one.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { TestScope } from '../../cluster/testing/index.js';

const DISK_BYTES = 512 * 1024;

/** Mounts it on `folder` until the end of the test. @returns false where this user may not mount */
export function mountSmallDisk(t: TestScope, folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  const options = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder];
  try {
    execFileSync('mount', options, { stdio: 'ignore' });
  } catch {
    return false;
  }
  t.teardown(() => execFileSync('umount', ['-l', folder]));
  return true;
}
