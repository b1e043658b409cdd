// What a model has earned show by show, and its statement as CSV. Amounts come from billing's
// ledger, shows from the record of broadcasts. Used by the earnings routes.
import { csvOf, type EarningsEntry, type EarningsSpan } from '../../billing/index.js';
import type { Clock } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { BroadcastEntity, type Broadcast } from '../db/entities/broadcast.js';
import type { Room } from '../db/entities/room.js';
import type { Finance } from '../finance-port.js';
import { dayAfter, instantOf, isoIn } from '../programme/zone.js';

const ENTRY_PAGE = 200;
/** What was charged in the last moments of a show may be dated after its end. */
const TAIL_MS = 60_000;

export interface EarnedShow extends Broadcast, EarningsSpan {}

export interface EarningService {
  /** Shows that were on the air, newest first. @throws BILLING_UNAVAILABLE */
  shows(room: Room, page: { beforeId: string | undefined; limit: number }): Promise<EarnedShow[]>;
  /**
   * CSV by RFC 4180, a page of lines at a time, newest first: what was booked from the day `from`
   * to the day `to`, both in the room's time zone. Rejects with BILLING_UNAVAILABLE;
   * the first lines come after billing has answered once.
   */
  statement(room: Room, range: { from: string; to: string }): AsyncGenerator<string>;
}

export function createEarningService(parts: {
  database: Database;
  finance: Finance;
  clock: Clock;
}): EarningService {
  const { database, finance, clock } = parts;
  return {
    async shows(room, { beforeId, limit }) {
      const query = database
        .repository(BroadcastEntity)
        .createQueryBuilder('b')
        .where('b.roomId = :roomId', { roomId: room.id });
      if (beforeId !== undefined) query.andWhere('b.id < :beforeId', { beforeId });
      const found = await query.orderBy('b.id', 'DESC').take(limit).getMany();
      const spans = found.map((one, at) => spanOf(one, found[at - 1], clock.nowMs()));
      const sums = await finance.getEarningsSpans(room.performerId, spans);
      return found.flatMap((one, at) => {
        const sum = sums[at];
        return sum === undefined ? [] : [{ ...one, ...sum }];
      });
    },

    async *statement({ performerId, timeZone }, { from, to }) {
      const fromMs = instantOf(`${from}T00:00`, timeZone);
      const untilMs = instantOf(`${dayAfter(to)}T00:00`, timeZone);
      const head = ['booked', 'charged', 'kind', 'reference', 'credits'];
      let rows: string[][] = [head];
      let before: string | undefined;
      for (;;) {
        const page = await finance.listEarningsEntries(performerId, {
          limit: ENTRY_PAGE,
          ...(before === undefined ? {} : { before }),
        });
        const isMeant = ({ bookedMs }: EarningsEntry) => bookedMs >= fromMs && bookedMs < untilMs;
        rows.push(...page.items.filter(isMeant).map((one) => rowOf(one, timeZone)));
        if (rows.length > 0) yield csvOf(rows);
        rows = [];
        before = page.next;
        const oldestMs = page.items.at(-1)?.bookedMs ?? 0;
        // Ids and times grow together, but for transactions that overlap.
        if (before === undefined || oldestMs < fromMs - TAIL_MS) return;
      }
    },
  };
}

/** From the first picture to the end; a show whose end nobody saw ends where the next begins. */
function spanOf(one: Broadcast, next: Broadcast | undefined, nowMs: number) {
  const fromMs = one.startedAt.getTime();
  const nextMs = next?.startedAt.getTime() ?? nowMs + TAIL_MS;
  const endMs = one.endedAt === null ? nextMs : one.endedAt.getTime() + TAIL_MS;
  return { fromMs, untilMs: Math.max(fromMs + 1, Math.min(endMs, nextMs)) };
}

function rowOf(entry: EarningsEntry, zone: string): string[] {
  const { bookedMs, atMs, kind, sessionId, tipId, amountMilli } = entry;
  const reference = sessionId ?? tipId ?? '';
  return [isoIn(bookedMs, zone), isoIn(atMs, zone), kind, reference, credits(amountMilli)];
}

/** Milli-credits as a decimal number of credits, exact. */
function credits(milli: bigint): string {
  const value = milli < 0n ? -milli : milli;
  const rest = String(value % 1_000n).padStart(3, '0');
  return `${milli < 0n ? '-' : ''}${value / 1_000n}.${rest}`;
}
