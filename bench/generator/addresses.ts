// Addresses of loopback to connect from. The kernel tries the ports of an address one by one, past
// all that are in use or were closed within the last minute: with some thousands of these a
// connect costs milliseconds. So few connections share an address.

const PER_ADDRESS = 256;
/** Processes of one run must not meet: their pids follow each other. */
const FIRST = 64;
const PROCESSES = 128;
let taken = 0;

/** Of 127.0.0.0/8, another one after every 256 calls. */
export function nextAddress(): string {
  const block = Math.floor(taken / PER_ADDRESS);
  taken += 1;
  const octets = [127, FIRST + (process.pid % PROCESSES), (block >> 8) & 255, block & 255];
  return octets.join('.');
}
