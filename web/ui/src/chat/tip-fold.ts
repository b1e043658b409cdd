// Tips that come faster than people can read, as one line each second or so. Pure, and only for the
// eye: the log keeps every tip, goal and leaderboard have each of them. The first few of a second
// stand alone, and so does every tip with words or of a size that is celebrated.
import type { ChatLine } from './chat-log.js';

/** From here on a tip is set on full yellow and never folded. */
export const bigTipMilli = 50_000n;
const aloneMax = 5;
const withinMs = 1_000;
const namesMax = 3;

function isPlainTip(line: ChatLine | undefined): boolean {
  return line?.kind === 'tip' && line.text === '' && BigInt(line.amountMilli ?? '0') < bigTipMilli;
}

/** Adds a tip to what is folded so far. */
function joined(fold: ChatLine | undefined, tip: ChatLine): ChatLine {
  const { names, hasMore, count } = fold?.tips ?? { names: [], hasMore: false, count: 0 };
  const name = tip.from?.name;
  const isNew = name !== undefined && !names.includes(name);
  const isNamed = isNew && names.length < namesMax;
  const sum = BigInt(fold?.amountMilli ?? '0') + BigInt(tip.amountMilli ?? '0');
  return {
    ...{ key: fold?.key ?? `tips-${tip.key}`, kind: 'tip', text: '', status: 'sent' },
    amountMilli: String(sum),
    atMs: tip.atMs,
    tips: {
      names: isNamed ? [...names, name] : names,
      hasMore: hasMore || (isNew && !isNamed),
      count: count + 1,
    },
  };
}

/**
 * The lines as they are shown. A plain tip that is at least the sixth within a second joins the
 * fold before it, when nothing else stands between. Cost: one pass.
 */
export function foldTips(lines: readonly ChatLine[]): ChatLine[] {
  const shown: ChatLine[] = [];
  const recentMs: number[] = [];
  for (const line of lines) {
    if (line.kind !== 'tip') {
      shown.push(line);
      continue;
    }
    while (recentMs[0] !== undefined && line.atMs - recentMs[0] >= withinMs) recentMs.shift();
    recentMs.push(line.atMs);
    if (recentMs.length <= aloneMax || !isPlainTip(line)) {
      shown.push(line);
      continue;
    }
    const last = shown.at(-1);
    const fold = last?.tips === undefined ? undefined : last;
    if (fold !== undefined) shown.pop();
    shown.push(joined(fold, line));
  }
  return shown;
}
