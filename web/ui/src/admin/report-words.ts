// Columns of billing's reports as people read them. Pure.
import { formatCredits } from '../format/credits.js';

/** Sums come as milli-credits under names that say so. */
export function reportCell(column: string, value: string): string {
  return column.endsWith('Milli') && /^-?\d+$/.test(value) ? formatCredits(value) : value;
}

/** `purchaseRefundsMilli` → `Purchase refunds`. */
export function reportHeading(column: string): string {
  const words = column
    .replace(/Milli$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
