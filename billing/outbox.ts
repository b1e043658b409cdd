// The outbox of a shard as typed events: what happened in Redis and must reach SQL. Written by the
// scripts (emit in lua/includes/shard.lua), read densely by the settler. Text, one event a line,
// blanks between.
import type { RedisClient } from '../cluster/index.js';
import { END_REASONS, type EndReason } from './schema.js';
import { shardKeys } from './shard.js';

export type OutboxEvent =
  | {
      readonly type: 'opened';
      readonly sessionId: string;
      readonly wallet: string;
      readonly room: string;
      readonly payee: string;
      readonly tariff: string;
      readonly atMs: string;
    }
  | {
      readonly type: 'charged';
      readonly sessionId: string;
      readonly fromBillMs: bigint;
      readonly toBillMs: bigint;
      readonly fromCost: bigint;
      readonly toCost: bigint;
      readonly atMs: string;
      /** `-` or `lot:amount,…`; what no lot paid was cash. */
      readonly lots: string;
    }
  | {
      readonly type: 'repriced';
      readonly sessionId: string;
      readonly tariff: string;
      /** Billable ms and cost of the session when the new price began. */
      readonly billMs: bigint;
      readonly cost: bigint;
      readonly atMs: string;
    }
  | {
      readonly type: 'closed';
      readonly sessionId: string;
      readonly reason: EndReason;
      readonly atMs: string;
      readonly billMs: bigint;
      readonly cost: bigint;
    }
  | {
      readonly type: 'tipped';
      readonly tipId: string;
      readonly key: string;
      readonly fingerprint: string;
      readonly wallet: string;
      readonly room: string;
      readonly payee: string;
      readonly amount: bigint;
      readonly shareBps: number;
      readonly atMs: string;
      readonly lots: string;
    }
  | {
      readonly type: 'funded';
      readonly wallet: string;
      readonly cmdSeq: bigint;
      readonly atMs: string;
      /** Above 0: new debt; below: debt that was repaid. */
      readonly owing: bigint;
    }
  | {
      readonly type: 'expired';
      readonly wallet: string;
      readonly lot: string;
      readonly amount: bigint;
      readonly atMs: string;
    };

export interface OutboxEntry {
  readonly shard: number;
  readonly epoch: bigint;
  readonly seq: bigint;
  readonly events: readonly OutboxEvent[];
}

/** An entry that does not fit; settlement of its shard stops there until someone has looked. */
export class PoisonError extends Error {
  constructor(
    readonly shard: number,
    what: string,
  ) {
    super(`shard ${shard}: ${what}`);
    this.name = 'PoisonError';
  }
}

export interface Cursor {
  readonly shard: number;
  readonly epoch: bigint;
  readonly seq: bigint;
}

/** Raw entries after the cursor, oldest first. */
export async function readOutbox(
  redis: RedisClient,
  cursor: Cursor,
  limit: number,
): Promise<readonly (readonly [string, readonly string[]])[]> {
  const { out } = shardKeys(cursor.shard);
  return redis.xrange(out, `(${cursor.epoch}-${cursor.seq}`, '+', 'COUNT', limit);
}

/**
 * Parses and checks that the entries follow the cursor without a gap.
 * @throws PoisonError on a gap, a foreign epoch or an unreadable event
 */
export function parseOutbox(
  cursor: Cursor,
  raw: readonly (readonly [string, readonly string[]])[],
): readonly OutboxEntry[] {
  return raw.map(([id, fields], at) => {
    const wanted = `${cursor.epoch}-${cursor.seq + BigInt(at) + 1n}`;
    if (id !== wanted) throw new PoisonError(cursor.shard, `entry ${id} where ${wanted} was due`);
    const body = fields[fields.indexOf('e') + 1];
    if (body === undefined) throw new PoisonError(cursor.shard, `entry ${id} has no events`);
    return {
      shard: cursor.shard,
      epoch: cursor.epoch,
      seq: cursor.seq + BigInt(at) + 1n,
      events: body.split('\n').map((line) => parseEvent(cursor.shard, line)),
    };
  });
}

const SID = '([0-9A-Z]{26})';
const ID = '([1-9]\\d{0,18})';
const INT = '(\\d{1,16})';
const LOTS = '(-|[\\d:,]+)';
const FORMS = {
  opened: new RegExp(`^o ${SID} ${ID} ${ID} ${ID} ([mut](?: \\d{1,16}){7}) ${INT}$`),
  charged: new RegExp(`^c ${SID} ${INT} ${INT} ${INT} ${INT} ${INT} ${LOTS}$`),
  repriced: new RegExp(`^p ${SID} ([mut](?: \\d{1,16}){7}) ${INT} ${INT} ${INT}$`),
  closed: new RegExp(`^x ${SID} ([a-z_]+) ${INT} ${INT} ${INT}$`),
  tipped: new RegExp(
    `^t ${SID} ([\\w-]{8,64}) ([0-9a-f]{16}) ${ID} ${ID} ${ID} ${INT} ${INT} ${INT} ${LOTS}$`,
  ),
  funded: new RegExp(`^f ${ID} ${INT} ${INT}(?: (-?\\d{1,16}))?$`),
  expired: new RegExp(`^e ${ID} ${ID} ${INT} ${INT}$`),
} as const;

/** By the letter that a line begins with. */
const TYPES: Readonly<Record<string, keyof typeof FORMS>> = {
  o: 'opened',
  c: 'charged',
  p: 'repriced',
  x: 'closed',
  t: 'tipped',
  f: 'funded',
  e: 'expired',
};

function parseEvent(shard: number, line: string): OutboxEvent {
  const type = TYPES[line.charAt(0)];
  const match = type === undefined ? null : FORMS[type].exec(line);
  if (type !== undefined && match !== null) return buildEvent(shard, type, match);
  throw new PoisonError(shard, `unreadable event: ${line.slice(0, 200)}`);
}

function buildEvent(shard: number, type: keyof typeof FORMS, match: RegExpExecArray): OutboxEvent {
  const text = (at: number): string => match[at] ?? '';
  const number = (at: number): bigint => BigInt(text(at));
  switch (type) {
    case 'opened':
      return {
        type,
        sessionId: text(1),
        wallet: text(2),
        room: text(3),
        payee: text(4),
        tariff: text(5),
        atMs: text(6),
      };
    case 'charged':
      return {
        type,
        sessionId: text(1),
        fromBillMs: number(2),
        toBillMs: number(3),
        fromCost: number(4),
        toCost: number(5),
        atMs: text(6),
        lots: text(7),
      };
    case 'repriced':
      return {
        type,
        sessionId: text(1),
        tariff: text(2),
        billMs: number(3),
        cost: number(4),
        atMs: text(5),
      };
    case 'closed': {
      const reason = END_REASONS.find((one) => one === text(2));
      if (reason === undefined) throw new PoisonError(shard, `unknown reason ${text(2)}`);
      return {
        type,
        sessionId: text(1),
        reason,
        atMs: text(3),
        billMs: number(4),
        cost: number(5),
      };
    }
    case 'tipped':
      return {
        type,
        tipId: text(1),
        key: text(2),
        fingerprint: text(3),
        wallet: text(4),
        room: text(5),
        payee: text(6),
        amount: number(7),
        shareBps: Number(text(8)),
        atMs: text(9),
        lots: text(10),
      };
    case 'funded':
      return { type, wallet: text(1), cmdSeq: number(2), atMs: text(3), owing: number(4) };
    case 'expired':
      return { type, wallet: text(1), lot: text(2), amount: number(3), atMs: text(4) };
  }
}
