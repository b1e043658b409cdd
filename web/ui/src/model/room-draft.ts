// The room form as text that is being typed, what is wrong with it, and what it changes. Pure.
import type { ModelRoom, RoomChanges } from '../api/models.js';
import type { TipMenuItem } from '../api/rooms.js';
import { formatCredits, parseCredits } from '../format/credits.js';

export interface RoomDraft {
  title: string;
  topic: string;
  tags: string;
  showType: ModelRoom['showType'];
  price: string;
  ticket: string;
  offersPrivate: boolean;
  privatePrice: string;
  privateMinutes: string;
  privateGrace: string;
  menu: string;
  goal: string;
  goalText: string;
  allowAnons: boolean;
  anonsSeeChat: boolean;
  /** Minutes; empty = as the site has it. */
  showMinutes: string;
  /** Minutes; empty = no limit. */
  visitMinutes: string;
}

export type RoomFaults = Partial<Record<keyof RoomDraft, string>>;

/** As one types it; '0' becomes empty. */
const typed = (milli: string): string =>
  milli === '0' ? '' : formatCredits(milli).replaceAll(',', '');

/** A limit as one types it; null is empty. */
const minutesOf = (sec: number | null): string => (sec === null ? '' : String(Math.ceil(sec / 60)));
const secOf = (minutes: string): number | null =>
  minutes.trim() === '' ? null : Number(minutes) * 60;

export function draftOf(room: ModelRoom): RoomDraft {
  const { privateShow, goal } = room;
  return {
    title: room.title,
    topic: room.topic,
    tags: room.tags.join(', '),
    showType: room.showType,
    price: typed(room.pricePerMinMilli),
    ticket: typed(room.ticketMilli),
    offersPrivate: privateShow !== null,
    privatePrice: typed(privateShow?.priceMilliPerMin ?? '0'),
    privateMinutes: String(Math.ceil((privateShow?.minimumSec ?? 0) / 60)),
    privateGrace: String(privateShow?.graceSec ?? 0),
    menu: room.tipMenu.map((item) => `${item.label} ${typed(item.amountMilli)}`).join('\n'),
    goal: typed(goal?.targetMilli ?? '0'),
    goalText: goal?.text ?? '',
    allowAnons: room.allowAnons,
    anonsSeeChat: room.anonsSeeChat,
    showMinutes: minutesOf(room.showMaxSec),
    visitMinutes: minutesOf(room.visitMaxSec),
  };
}

const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((tag) => tag.trim().toLowerCase().replaceAll(/\s+/g, '-'))
      .filter((tag) => tag !== ''),
  ),
];

/** One line each, the amount last; undefined when a line has none. */
export function parseMenu(text: string): TipMenuItem[] | undefined {
  const items: TipMenuItem[] = [];
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const match = /^(.+?)[\s:,–-]+(\d[\d.,]*)$/.exec(line.trim());
    const amount = parseCredits(match?.[2] ?? '');
    if (!match || amount === undefined) return undefined;
    items.push({ label: (match[1] ?? '').trim(), amountMilli: String(amount) });
  }
  return items;
}

/** A whole number within a range; undefined when it is none. Empty is 0. */
function whole(text: string, max: number): number | undefined {
  const value = /^\d{0,5}$/.test(text.trim()) ? Number(text) : NaN;
  return value <= max ? value : undefined;
}

export function faultsOf(draft: RoomDraft): RoomFaults {
  const faults: RoomFaults = {};
  const amount = 'Enter an amount such as 6 or 2.5.';
  const need = (name: 'price' | 'ticket' | 'privatePrice', isNeeded: boolean): void => {
    if (isNeeded && parseCredits(draft[name]) === undefined) faults[name] = amount;
  };
  need('price', draft.showType === 'paid');
  need('ticket', draft.showType === 'ticket');
  need('privatePrice', draft.offersPrivate);
  if (whole(draft.privateMinutes, 60) === undefined) faults.privateMinutes = '0 to 60 minutes.';
  if (whole(draft.privateGrace, 300) === undefined) faults.privateGrace = '0 to 300 seconds.';
  const limit = (name: 'showMinutes' | 'visitMinutes', max: number): void => {
    const isEndless = draft[name].trim() === '';
    if (!isEndless && (whole(draft[name], max) ?? 0) === 0) {
      faults[name] = `1 to ${max} minutes, or empty.`;
    }
  };
  limit('showMinutes', 10_080);
  if (draft.showType !== 'free') limit('visitMinutes', 1_440);
  if (tagsOf(draft.tags).length > 10) faults.tags = 'Ten tags are the most.';
  if (parseMenu(draft.menu) === undefined) {
    faults.menu = 'Each line needs words and an amount, as in: Song request 20';
  }
  if (draft.goal.trim() !== '' && parseCredits(draft.goal) === undefined) faults.goal = amount;
  return faults;
}

/** Everything that the draft says, for a draft without faults. */
function wishOf(draft: RoomDraft): Required<Omit<RoomChanges, 'timeZone'>> {
  const milli = (text: string): string => String(parseCredits(text) ?? 0n);
  return {
    title: draft.title.trim(),
    topic: draft.topic.trim(),
    tags: tagsOf(draft.tags),
    showType: draft.showType,
    priceMilliPerMin: milli(draft.price),
    ticketMilli: milli(draft.ticket),
    privateShow: draft.offersPrivate
      ? {
          priceMilliPerMin: milli(draft.privatePrice),
          minimumSec: Number(draft.privateMinutes) * 60,
          graceSec: Number(draft.privateGrace),
        }
      : null,
    tipMenu: parseMenu(draft.menu) ?? [],
    goal:
      draft.goal.trim() === ''
        ? null
        : { text: draft.goalText.trim(), targetMilli: milli(draft.goal) },
    allowAnons: draft.allowAnons,
    anonsSeeChat: draft.anonsSeeChat,
    showMaxSec: secOf(draft.showMinutes),
    visitMaxSec: secOf(draft.visitMinutes),
  };
}

/** Only what differs from the room, so that a forgotten tab does not undo another's work. */
export function changesOf(draft: RoomDraft, room: ModelRoom): RoomChanges {
  const wish = wishOf(draft);
  const known = wishOf(draftOf(room));
  const differs = (name: keyof typeof wish): boolean =>
    JSON.stringify(wish[name]) !== JSON.stringify(known[name]);
  const changes = Object.fromEntries(
    (Object.keys(wish) as (keyof typeof wish)[]).filter(differs).map((name) => [name, wish[name]]),
  ) as RoomChanges;
  // A free room keeps no price, and a priced one needs its own.
  if (changes.showType === 'free') delete changes.priceMilliPerMin;
  // Out of sight, so it may be half typed.
  if (draft.showType === 'free') delete changes.visitMaxSec;
  return changes;
}
