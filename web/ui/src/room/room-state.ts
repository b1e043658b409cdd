// What the room page shows, as data: where the visitor stands with the room, and the terms of a
// paid show.
import type { Problem } from '../api/problem.js';
import type { Entry, Room, ShowType } from '../api/rooms.js';
import type { Goal, Leader } from './room-values.js';

/** What a paid show costs and whether it can be entered; shown before anything is charged. */
export interface Offer {
  showType: ShowType;
  /** '0' where a ticket is sold. */
  priceMilliPerMin: string;
  /** '0' where minutes are sold. */
  ticketMilli: string;
  /** Undefined when nobody is signed in. */
  balanceMilli?: string;
  /** False before the show has begun; the offer opens by itself when it does. */
  isLive: boolean;
  /** Why the last attempt to enter was refused. */
  problem?: Problem;
}

export type CutReason = string;

export type RoomPhase =
  | { at: 'loading' }
  | { at: 'missing' }
  /** The site or a part of it is away; entering is tried again. */
  | { at: 'failed'; problem: Problem }
  | { at: 'refused'; problem: Problem }
  | { at: 'offer'; offer: Offer }
  | { at: 'inside'; entry: Entry }
  | { at: 'cut'; reason: CutReason };

export interface RoomState {
  phase: RoomPhase;
  room?: Room;
  viewers?: number;
  /** What we may do in the room's channel: view, participant, performer, moderator, admin. */
  level?: string;
  /** The chat of the room is flowing. */
  isJoined?: boolean;
  goal?: Goal | undefined;
  leaders?: Leader[];
}

function isShowType(value: unknown): value is ShowType {
  return value === 'free' || value === 'paid' || value === 'ticket' || value === 'private';
}

/** Reads `price` and `balance` of a 402 answer, whatever they are called, as decimal strings. */
export function readOffer(problem: Problem, room: Room | undefined): Offer {
  const text = (...names: string[]): string | undefined => {
    for (const name of names) {
      const value = problem.extra[name];
      if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
      if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    }
    return undefined;
  };
  const balanceMilli = text('balance', 'balanceMilli');
  const showType = problem.extra['showType'];
  return {
    showType: isShowType(showType) ? showType : (room?.showType ?? 'paid'),
    ticketMilli: text('ticketMilli') ?? room?.ticketMilli ?? '0',
    priceMilliPerMin:
      text('priceMilliPerMin', 'pricePerMinMilli', 'price') ?? room?.pricePerMinMilli ?? '0',
    isLive:
      problem.code !== 'SHOW_NOT_LIVE' &&
      (typeof problem.extra['isLive'] === 'boolean'
        ? problem.extra['isLive']
        : (room?.isLive ?? false)),
    ...(balanceMilli === undefined ? {} : { balanceMilli }),
  };
}

interface CutWords {
  title: string;
  text: string;
  /** False where trying again cannot help. */
  canReturn: boolean;
}

/** By the reasons with which billing or the site ends a visit against the viewer's will. */
const cutWords: Record<string, CutWords> = {
  insufficient_credit: {
    title: 'Your credits have run out',
    text: 'The show goes on. Top up and come back in; you pay only while you are inside.',
    canReturn: true,
  },
  show_ended: {
    title: 'The show has ended',
    text: 'The model has finished this show. Nothing more is charged.',
    canReturn: true,
  },
  room_closed: {
    title: 'The room has closed',
    text: 'The model has closed the room. Nothing more is charged.',
    canReturn: true,
  },
  stale: {
    title: 'We lost sight of you',
    text: 'Your browser was silent for too long, so the visit was ended. Nothing more is charged.',
    canReturn: true,
  },
  time_limit: {
    title: 'The time limit is reached',
    text: 'The show, or your visit, has lasted as long as it may. Nothing more is charged.',
    canReturn: true,
  },
  spend_limit: {
    title: 'Your spending limit is reached',
    text: 'You have set a limit to what you spend, and it is reached. Nothing more is charged.',
    canReturn: false,
  },
  left: {
    title: 'You have left the show',
    text: 'The visit was ended, perhaps from another window. Nothing more is charged.',
    canReturn: true,
  },
  kicked: {
    title: 'You were asked to leave',
    text: 'A moderator has ended your visit. Nothing more is charged.',
    canReturn: true,
  },
  role: {
    title: 'Your role here has changed',
    text: 'Come in again and what you may do here is as it should be. Nothing more is charged.',
    canReturn: true,
  },
  price: {
    title: 'The terms of the show have changed',
    text: 'The model has set another price. Look at it before you come in again.',
    canReturn: true,
  },
  ended: {
    title: 'The show was ended',
    text: 'It does not go on for now. Nothing more is charged.',
    canReturn: true,
  },
  private: {
    title: 'A private show has begun',
    text: 'The room is open to all again when it is over. Nothing more is charged.',
    canReturn: true,
  },
  'private-ended': {
    title: 'The private show is over',
    text: 'You can come in again like everybody. Nothing more is charged.',
    canReturn: true,
  },
  room_private: {
    title: 'The room is private now',
    text: 'Only those whom the model invites may stay. Nothing more is charged.',
    canReturn: true,
  },
  banned: {
    title: 'You are banned from this room',
    text: 'A moderator has closed this room for you. Nothing more is charged.',
    canReturn: false,
  },
  frozen: {
    title: 'Your account is on hold',
    text: 'Your credits are frozen for now. Please write to the site. Nothing more is charged.',
    canReturn: false,
  },
  admin: {
    title: 'The visit was ended by the site',
    text: 'An administrator has ended your visit. Nothing more is charged.',
    canReturn: true,
  },
};

export function isKnownCut(reason: CutReason): boolean {
  return Object.hasOwn(cutWords, reason);
}

/**
 * The reason to show for a control message that ends a visit: the one it names where there are
 * words for it, else what it is.
 */
export function reasonOfEnd(kind: string, reason: string | undefined): CutReason {
  if (kind === 'cutoff') return reason ?? 'ended';
  return kind === 'kicked' && reason !== undefined && isKnownCut(reason) ? reason : kind;
}

/** Words for a cut-off reason. An unknown reason is shown as it came rather than hidden. */
export function describeCut(reason: CutReason): CutWords {
  const words = isKnownCut(reason) ? cutWords[reason] : undefined;
  return (
    words ?? {
      title: 'You have left the show',
      text: `The visit was ended (${reason}). Nothing more is charged.`,
      canReturn: true,
    }
  );
}
