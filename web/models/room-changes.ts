// What a model may change of the own room, and which columns that makes. Used by room-service.ts.
// Invariant: show type, price and ticket always fit together.
import type { Room, ShowType, TipMenuItem } from '../db/entities/room.js';
import { FieldsError } from '../errors.js';

export interface RoomChanges {
  readonly title?: string;
  readonly topic?: string;
  readonly tags?: readonly string[];
  /** Alone it decides between free and paid. */
  readonly priceMilliPerMin?: string;
  readonly showType?: ShowType;
  readonly ticketMilli?: string;
  /** null = not offered. */
  readonly privateShow?: {
    readonly priceMilliPerMin: string;
    readonly minimumSec: number;
    readonly graceSec: number;
  } | null;
  readonly tipMenu?: readonly TipMenuItem[];
  /** null = no goal. */
  readonly goal?: { readonly text: string; readonly targetMilli: string } | null;
  readonly timeZone?: string;
  readonly allowAnons?: boolean;
  readonly anonsSeeChat?: boolean;
  /** null = as the site has it. */
  readonly showMaxSec?: number | null;
  /** null = no limit. */
  readonly visitMaxSec?: number | null;
}

export interface RoomLimits {
  /** The longest show on the site, seconds; 0 = no limit. */
  readonly showMaxSec: number;
}

/** Whether billing must hear of it. */
export function isAboutMoney(changes: RoomChanges): boolean {
  const { priceMilliPerMin, showType, ticketMilli } = changes;
  return [priceMilliPerMin, showType, ticketMilli].some((one) => one !== undefined);
}

/**
 * @throws BAD_INPUT for a show without its price, an unknown time zone, or a show longer than the
 * site allows
 */
export function columnsOf(before: Room, changes: RoomChanges, limits: RoomLimits): Partial<Room> {
  const { title, topic, tipMenu, goal, timeZone, privateShow, allowAnons, anonsSeeChat } = changes;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw refusal('timeZone', 'There is no such time zone; use a name such as Europe/Berlin.');
  }
  const { showMaxSec, visitMaxSec } = changes;
  const siteMaxSec = limits.showMaxSec;
  if (siteMaxSec > 0 && (showMaxSec ?? 0) > siteMaxSec) {
    const minutes = Math.floor(siteMaxSec / 60);
    throw refusal('showMaxSec', `Shows on this site last ${minutes} minutes at most.`);
  }
  return {
    ...(showMaxSec === undefined ? {} : { showMaxSec }),
    ...(visitMaxSec === undefined ? {} : { visitMaxSec }),
    ...(title === undefined ? {} : { title }),
    ...(topic === undefined ? {} : { topic }),
    ...(tipMenu === undefined ? {} : { tipMenu }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(allowAnons === undefined ? {} : { allowAnons }),
    ...(anonsSeeChat === undefined ? {} : { anonsSeeChat }),
    ...(goal === undefined
      ? {}
      : { goalText: goal?.text ?? '', goalMilli: goal?.targetMilli ?? '0' }),
    ...(privateShow === undefined
      ? {}
      : {
          privatePriceMilli: privateShow?.priceMilliPerMin ?? '0',
          privateMinimumSec: privateShow?.minimumSec ?? 0,
          privateGraceSec: privateShow?.graceSec ?? 0,
        }),
    ...(isAboutMoney(changes) ? priceColumns(before, changes) : {}),
  };
}

function priceColumns(before: Room, changes: RoomChanges): Partial<Room> {
  const price = changes.priceMilliPerMin ?? before.priceMilliPerMin;
  const ticketMilli = changes.ticketMilli ?? before.ticketMilli;
  const showType = changes.showType ?? impliedType(before, changes);
  switch (showType) {
    case 'free':
      return { showType, priceMilliPerMin: '0', ticketMilli };
    case 'paid':
      if (price === '0') throw refusal('priceMilliPerMin', 'A paid show needs a price.');
      return { showType, priceMilliPerMin: price, ticketMilli };
    case 'ticket':
      if (ticketMilli === '0') throw refusal('ticketMilli', 'A ticket show needs a price.');
      return { showType, priceMilliPerMin: '0', ticketMilli };
  }
}

function impliedType(before: Room, { priceMilliPerMin }: RoomChanges): ShowType {
  if (priceMilliPerMin === undefined) return before.showType;
  return priceMilliPerMin === '0' ? 'free' : 'paid';
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function refusal(field: string, message: string): FieldsError {
  return new FieldsError('BAD_INPUT', [{ field, code: 'INVALID', message }]);
}
