// An announced show as it is typed: a day and two times in the zone of this browser. Pure.
import type { SlotForm } from '../api/broadcast.js';
import type { Slot } from '../api/rooms.js';

export interface SlotDraft {
  title: string;
  /** As <input type="datetime-local"> has it, in local time. */
  starts: string;
  minutes: string;
}

export const spans = ['30', '60', '90', '120', '180', '240', '360'];

const two = (n: number): string => String(n).padStart(2, '0');

/** `2026-11-21T20:00` in local time. */
export function toLocalInput(at: Date): string {
  const day = `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A new show: tomorrow at eight in the evening. */
export function freshSlot(now: Date): SlotDraft {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 20);
  return { title: '', starts: toLocalInput(at), minutes: '60' };
}

export function slotDraftOf(slot: Slot): SlotDraft {
  const spanMs = Date.parse(slot.endsAt) - Date.parse(slot.startsAt);
  return {
    title: slot.title,
    starts: toLocalInput(new Date(slot.startsAt)),
    minutes: String(Math.round(spanMs / 60_000)),
  };
}

/** Undefined while something is missing. */
export function slotFormOf({ title, starts, minutes }: SlotDraft): SlotForm | undefined {
  const startsAt = new Date(starts);
  const span = /^\d{1,4}$/.test(minutes) ? Number(minutes) : 0;
  if (title.trim() === '' || Number.isNaN(startsAt.getTime()) || span === 0) return undefined;
  const endsAt = new Date(startsAt.getTime() + span * 60_000);
  return { title: title.trim(), startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() };
}
