// Seeded hostile frames for the server's only way in: random bytes, valid frames that were bent,
// wrong types in the right places, nesting, lengths that lie. What comes out must be commands or
// coded errors, never an exception. `npx tsx gateway/testing/fuzz-frames.ts 1000000 [seed]` runs
// any number; a share of it is in the tests.
import { fileURLToPath } from 'node:url';
import { randomFromSeed, type SeededRandom } from '../../cluster/testing/index.js';
import {
  clientFrameLimits,
  codecOf,
  limits,
  packValue,
  parseCommand,
  subprotocols,
  type Frame,
  type Subprotocol,
} from '../protocol/index.js';
import { isErrorCode } from '../protocol/codes.js';

export interface FuzzReport {
  readonly frames: number;
  readonly seed: number;
  /** Frames that were no batch. */
  readonly refused: number;
  readonly commands: number;
  /** Values that were no command, by code. */
  readonly errors: Readonly<Record<string, number>>;
}

const COMMANDS = ['connect', 'sub', 'unsub', 'pub', 'hist', 'refresh', 'ping', 'mod', 'read'];
const MORE_COMMANDS = ['pres', 'held', '__proto__', 'constructor', 'toString', '', 'PUB'];
const FIELDS = ['c', 'i', 'ch', 'mid', 'kind', 'body', 'token', 'subs', 'pos', 'ticket'];
const MORE_FIELDS = ['before', 'limit', 'upto', 'action', 'user', 'settings', '__proto__', 'text'];

/** One hostile value; deeper ones are rarer. */
function value(random: SeededRandom, depth: number): unknown {
  const kind = random.int(0, depth > 10 ? 7 : 9);
  switch (kind) {
    case 0:
      return random.int(-5, 5_000);
    case 1:
      return random.pick([NaN, Infinity, -0, 2 ** 53, -(2 ** 63), 1e308, 0.1, 2 ** 32]);
    case 2:
      return random.pick([null, undefined, true, false]);
    case 3:
      return random.pick(['room:1', 'lobby', 'user:7', 'room:', ':', 'm', 'ban', '\ud800', '\0']);
    case 4:
      return 'x'.repeat(random.int(0, 80));
    case 5:
      return String.fromCharCode(...Array.from({ length: 5 }, () => random.int(0, 0xffff)));
    case 6:
      return random.pick([...COMMANDS, ...MORE_COMMANDS]);
    case 7:
      return random.pick([['e', 1], ['', -1], [], {}, [[]]]);
    case 8:
      return Array.from({ length: random.int(0, 4) }, () => value(random, depth + 1));
    default:
      return fields(random, depth + 1);
  }
}

function fields(random: SeededRandom, depth: number): Record<string, unknown> {
  const names = Array.from({ length: random.int(0, 6) }, () =>
    random.pick([...FIELDS, ...MORE_FIELDS]),
  );
  // fromEntries makes an own `__proto__`, as JSON.parse does.
  return Object.fromEntries(names.map((name) => [name, value(random, depth)]));
}

/** Nearly right: a command with all its fields, some of them bent. */
function command(random: SeededRandom): Record<string, unknown> {
  const whole: Record<string, unknown> = {
    c: random.pick(COMMANDS),
    i: random.int(1, 1_000),
    ch: 'room:1',
    mid: `m${random.int(1, 99)}`,
    kind: 'm',
    body: { text: 'hello' },
    token: 'T',
    subs: [{ ch: 'lobby', pos: ['e', random.int(0, 9)] }],
    upto: 4,
    action: random.pick(['ban', 'settings', 'delete', 'goal', 'approve', 'nonsense']),
    user: '7',
    settings: { slow: 5, words: ['a'], only: ['fans'] },
  };
  for (let bends = random.int(0, 2); bends > 0; bends -= 1) {
    whole[random.pick(Object.keys(whole))] = value(random, 1);
  }
  return whole;
}

function batch(random: SeededRandom): unknown[] {
  const length = random.chance(0.05) ? random.int(18, 30) : random.int(0, 3);
  return Array.from({ length }, () => (random.chance(0.7) ? command(random) : value(random, 0)));
}

function nested(random: SeededRandom): string {
  const depth = random.int(1, 5_000);
  return random.chance(0.5)
    ? '['.repeat(depth) + ']'.repeat(depth)
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(random.int(0, depth))}`;
}

function jsonFrame(random: SeededRandom): string {
  if (random.chance(0.02)) return nested(random);
  const text = JSON.stringify(batch(random));
  if (random.chance(0.6)) return text;
  const at = random.int(0, text.length);
  const piece = random.pick(['', '"', '[', '}', '\\u', '\0', '1e999', ',', '\ud83d', 'null']);
  return text.slice(0, at) + piece + text.slice(at + random.int(0, 3));
}

function msgpackFrame(random: SeededRandom): Uint8Array {
  if (random.chance(0.1)) {
    return Uint8Array.from({ length: random.int(0, 64) }, () => random.int(0, 255));
  }
  if (random.chance(0.02)) {
    return new Uint8Array(random.int(1, 5_000)).fill(random.pick([0x91, 0x81, 0xdc, 0xdd]));
  }
  const frame = Buffer.concat(batch(random).map(packValue));
  if (frame.length === 0 || random.chance(0.5)) return frame;
  for (let bends = random.int(1, 3); bends > 0; bends -= 1) {
    frame[random.int(0, frame.length - 1)] = random.int(0, 255);
  }
  return random.chance(0.3) ? frame.subarray(0, random.int(0, frame.length)) : frame;
}

/** A hostile frame; one in fifty is of the other encoding's kind. */
export function hostileFrame(random: SeededRandom, encoding: Subprotocol): Frame {
  const isText = (encoding === 'rt1.json') !== random.chance(0.02);
  return isText ? jsonFrame(random) : msgpackFrame(random);
}

/** @throws Error with seed and frame when an input breaks the promise */
export function fuzzFrames(frames: number, seed: number): FuzzReport {
  const random = randomFromSeed(seed);
  let refused = 0;
  let commands = 0;
  const errors: Record<string, number> = {};
  for (let n = 0; n < frames; n += 1) {
    const encoding = random.pick(subprotocols);
    const frame = hostileFrame(random, encoding);
    try {
      const decoded = codecOf(encoding).decode(frame, clientFrameLimits);
      if (!decoded.ok) {
        refused += 1;
        continue;
      }
      if (decoded.items.length > limits.commandsPerFrameMax) throw new Error('too many values');
      for (const item of decoded.items) {
        const code = check(item);
        if (code === undefined) commands += 1;
        else errors[code] = (errors[code] ?? 0) + 1;
      }
    } catch (thrown) {
      const shown = typeof frame === 'string' ? frame : Buffer.from(frame).toString('hex');
      throw new Error(`seed ${seed}, frame ${n}, ${encoding}: ${shown}`, { cause: thrown });
    }
  }
  return { frames, seed, refused, commands, errors };
}

/** Code of the error, or undefined for a command, which must then be one all over. */
function check(item: unknown): string | undefined {
  const parsed = parseCommand(item);
  if (!parsed.ok) {
    const [code] = parsed.error;
    if (!isErrorCode(code)) throw new Error('an unknown code');
    if (!Number.isSafeInteger(parsed.i)) throw new Error('the id of an error is no number');
    return code;
  }
  const again = parseCommand(parsed.command);
  if (!again.ok) throw new Error('a parsed command is no command');
  if (JSON.stringify(again.command) !== JSON.stringify(parsed.command)) {
    throw new Error('a parsed command changes when it is parsed again');
  }
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , frames = '1000000', seed = String(Date.now() % 2 ** 31)] = process.argv;
  const startedMs = performance.now();
  const report = fuzzFrames(Number(frames), Number(seed));
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ ...report, seconds })}\n`);
}
