// Finds the append-only log of a test's redis-server, for tests that tear it.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Path of the part that grows. */
export async function appendLog(client: {
  config(get: 'GET', name: string): Promise<unknown>;
}): Promise<string> {
  const [, dir] = (await client.config('GET', 'dir')) as string[];
  const folder = join(dir ?? '', 'appendonlydir');
  const file = (await readdir(folder)).find((name) => name.endsWith('.incr.aof'));
  return join(folder, file ?? '');
}
