// Which lines of a long chat stand in the page: those in sight and some above and below. The others
// are replaced by empty space of their height, known or estimated. Pure.

export interface LineWindow {
  /** Index of the first line in the page. */
  from: number;
  /** Index behind the last one. */
  to: number;
  /** Empty space above and below, px. */
  abovePx: number;
  belowPx: number;
}

export interface View {
  /** Upper edge of what is in sight, px from the top of the first line. */
  topPx: number;
  heightPx: number;
}

export interface Heights {
  of: (key: string) => number;
}

interface Keyed {
  key: string;
}

/** Lines this far out of sight are kept, so that a flick of the finger finds them in place. */
export const overscanPx = 600;

export function totalPx(lines: readonly Keyed[], heights: Heights): number {
  return lines.reduce((sum, { key }) => sum + heights.of(key), 0);
}

/** Cost: one pass over the lines. */
export function windowOf(lines: readonly Keyed[], heights: Heights, view: View): LineWindow {
  const wantedFromPx = view.topPx - overscanPx;
  const wantedToPx = view.topPx + view.heightPx + overscanPx;
  let at = 0;
  let from = lines.length;
  let to = lines.length;
  let abovePx = 0;
  let belowPx = 0;
  lines.forEach(({ key }, index) => {
    const heightPx = heights.of(key);
    if (at + heightPx <= wantedFromPx) {
      abovePx += heightPx;
    } else if (at >= wantedToPx) {
      belowPx += heightPx;
      to = Math.min(to, index);
    } else {
      from = Math.min(from, index);
    }
    at += heightPx;
  });
  return { from: Math.min(from, to), to, abovePx, belowPx };
}

export interface Anchor {
  key: string;
  /** From the top of that line to the upper edge of what is in sight, px. */
  deltaPx: number;
}

/** The first line in sight: it stays where it is when something above it changes. */
export function anchorAt(
  lines: readonly Keyed[],
  heights: Heights,
  topPx: number,
): Anchor | undefined {
  let at = 0;
  for (const { key } of lines) {
    const heightPx = heights.of(key);
    if (at + heightPx > topPx) return { key, deltaPx: topPx - at };
    at += heightPx;
  }
  return undefined;
}

/** Where the upper edge belongs for the anchor to stay; undefined when its line is gone. */
export function topOf(
  lines: readonly Keyed[],
  heights: Heights,
  anchor: Anchor,
): number | undefined {
  let at = 0;
  for (const { key } of lines) {
    if (key === anchor.key) return at + anchor.deltaPx;
    at += heights.of(key);
  }
  return undefined;
}

const guessPx = 28;

/** Heights that were measured; the others are taken for average. */
export class MeasuredHeights implements Heights {
  private readonly known = new Map<string, number>();
  private sumPx = 0;

  of(key: string): number {
    return this.known.get(key) ?? (this.known.size > 0 ? this.sumPx / this.known.size : guessPx);
  }

  /** @returns whether that is news */
  set(key: string, heightPx: number): boolean {
    const before = this.known.get(key);
    if (before !== undefined && Math.abs(before - heightPx) < 0.5) return false;
    this.known.set(key, heightPx);
    this.sumPx += heightPx - (before ?? 0);
    return true;
  }

  /** Forgets lines that are no longer in the chat once they are the greater part. */
  prune(lines: readonly Keyed[]): void {
    if (this.known.size < 2 * lines.length + 200) return;
    const kept = lines.map(({ key }) => [key, this.known.get(key)] as const);
    this.clear();
    for (const [key, heightPx] of kept) if (heightPx !== undefined) this.set(key, heightPx);
  }

  /** The width has changed: nothing that was measured holds. */
  clear(): void {
    this.known.clear();
    this.sumPx = 0;
  }
}
