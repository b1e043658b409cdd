// Puts a bug into the money scripts and takes it out again: for tests that show that other tests
// would find it.
import { createHash } from 'node:crypto';
import { type RedisClient, Script } from '../../cluster/index.js';
import * as scripts from '../scripts.js';

/** What it is, a text of the scripts, and what is put in its place. */
export type Bug = readonly [name: string, from: string, to: string];

const SCRIPTS = Object.values(scripts).filter((one) => one instanceof Script);

/**
 * Puts the bug into every script that has the text. @returns how to take it out again
 * @throws Error when no script has it
 */
export async function plant(redis: RedisClient, [, from, to]: Bug): Promise<() => void> {
  const hit = SCRIPTS.filter((script) => script.body.includes(from));
  if (hit.length === 0) throw new Error(`no script has: ${from}`);
  const before = hit.map(({ body, sha }) => ({ body, sha }));
  for (const script of hit) {
    const body = script.body.replaceAll(from, () => to);
    Object.assign(script, { body, sha: createHash('sha1').update(body).digest('hex') });
    await redis.call('SCRIPT', 'LOAD', body);
  }
  return () => {
    hit.forEach((script, at) => Object.assign(script, before[at]));
  };
}
