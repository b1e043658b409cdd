// Days as the ledger and date fields name them, and earned days as a chart shows them. Pure.
import type { EarnedDay } from '../api/models.js';
import type { ChartData } from '../ui/chart.js';

const two = (n: number): string => String(n).padStart(2, '0');

/** `2026-11-21` in the zone of this browser. */
export function dayOf(at: Date): string {
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The last `count` UTC days, today as well. */
export function lastDays(count: number, now: Date): { from: string; to: string } {
  const from = new Date(now.getTime() - (count - 1) * 86_400_000);
  return { from: from.toISOString().slice(0, 10), to: now.toISOString().slice(0, 10) };
}

/** A bar a day. uPlot draws in this browser's zone, so each day stands at its midnight here. */
export function chartOf(days: readonly EarnedDay[]): ChartData {
  return {
    atSec: days.map(({ day }) => new Date(`${day}T00:00:00`).getTime() / 1000),
    values: days.map(({ netMilli }) => Number(netMilli) / 1000),
    label: 'Credits',
  };
}
