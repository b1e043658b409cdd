// Finds TCP ports that nothing listens on. Used by the test harness and to check ports before a
// start.
import { createServer } from 'node:net';
import { clusterError } from '../errors.js';

// Below the kernel's ephemeral range (32768…), so that an outgoing connection cannot take a port
// between the moment it is found free and the moment a server binds it.
const LOWEST = 15_000;
const HIGHEST = 31_999;

/** True when this machine lets us listen on the port at `host` right now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * A port in 15000…31999 that is free now. Two processes may be given the same one: retry on a busy
 * port.
 */
export function freePort(): Promise<number> {
  return freePortRange(1);
}

/**
 * The first of `count` consecutive free ports, on loopback and on all addresses.
 * @throws AppError NO_FREE_PORT after 200 attempts.
 */
export async function freePortRange(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - count + 2));
    if (await areAllFree(first, count)) return first;
  }
  throw clusterError('NO_FREE_PORT', { count });
}

async function areAllFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port += 1) {
    if (!(await isPortFree(port, '0.0.0.0')) || !(await isPortFree(port))) return false;
  }
  return true;
}
