// The reply of lua/touch-sessions.lua as rows. Used by scripts.ts. Read byte by byte, because it is
// the one reply of billing whose cost counts: a row for each proof of life.
import { assert } from '../cluster/index.js';
import { END_REASONS, type TouchVerdict } from './schema.js';
import type { TouchRow } from './scripts.js';

/** An array of seven values in MessagePack: the first byte of a wallet's record, and of no text. */
const RECORD = 0x97;
/** Bytes of the record that lua/includes/plain.lua writes, and where its numbers stand. */
const PURSE = { bytes: 28, cash: 2, held: 11, version: 23 };
const NEWLINE = 0x0a;

/** One row for each item, in their order. */
export function readTouchReply(
  reply: unknown,
  items: readonly (readonly [sessionId: string, source: string])[],
): TouchRow[] {
  assert(Buffer.isBuffer(reply), 'touch-sessions answers one string');
  let at = 0;
  return items.map(([sessionId]) => {
    assert(at < reply.length, 'touch-sessions answers each session');
    const isPlain = reply[at] === RECORD;
    const textAt = isPlain ? at + PURSE.bytes : at;
    const newline = reply.indexOf(NEWLINE, textAt);
    const end = newline < 0 ? reply.length : newline;
    const words = reply.toString('utf8', textAt, end).split(' ');
    const row = isPlain ? plainRow(sessionId, words, reply, at) : textRow(sessionId, words);
    at = end + 1;
    return row;
  });
}

// Both write their row out: spreading one into another takes as long as all the rest.
function plainRow(
  sessionId: string,
  words: readonly string[],
  reply: Buffer,
  purseAt: number,
): TouchRow {
  return {
    sessionId,
    verdict: 'ok',
    leftMs: -1,
    wallet: word(words, 0),
    room: word(words, 1),
    owned: BigInt(reply.readDoubleBE(purseAt + PURSE.cash)),
    held: BigInt(reply.readUInt32BE(purseAt + PURSE.held)),
    version: reply.readUInt32BE(purseAt + PURSE.version),
    crossed: 0,
    overMs: 0,
  };
}

function textRow(sessionId: string, words: readonly string[]): TouchRow {
  const reason = END_REASONS.find((one) => one === word(words, 7));
  return {
    sessionId,
    verdict: word(words, 5) as TouchVerdict,
    leftMs: Number(word(words, 6)),
    ...(reason === undefined ? {} : { reason }),
    wallet: word(words, 0),
    room: word(words, 1),
    owned: BigInt(word(words, 2)),
    held: BigInt(word(words, 3)),
    version: Number(word(words, 4)),
    crossed: Number(word(words, 8)),
    overMs: Number(word(words, 9)),
  };
}

function word(words: readonly string[], at: number): string {
  const value = words[at];
  assert(value !== undefined, `a row of touch-sessions has no word ${at}`);
  return value;
}
