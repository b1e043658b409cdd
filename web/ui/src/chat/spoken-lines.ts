// What a screen reader is told of a chat that flows: single lines as they are, a burst as its
// number and last line. Pure.
import { formatCreditsUnit } from '../format/credits.js';
import type { ChatLine } from './chat-log.js';
import { mentionsMe } from './chat-text.js';

/** More lines at once than this are summed up. */
const singleMax = 3;

function speak(line: ChatLine): string {
  const who = line.from?.name ?? '';
  if (line.kind === 'tip') {
    const words = `${who} tipped ${formatCreditsUnit(line.amountMilli ?? '0')}`;
    return line.text === '' ? words : `${words}: ${line.text}`;
  }
  return line.kind === 'message' ? `${who}: ${line.text}` : line.text;
}

export interface Listener {
  id: string | undefined;
  name: string | undefined;
}

/** Lines behind `lastKey` that others have said at or after `sinceMs`, in words. */
export function speakNews(
  lines: readonly ChatLine[],
  { lastKey, sinceMs, me }: { lastKey: string | undefined; sinceMs: number; me: Listener },
): string[] {
  const from = lastKey === undefined ? -1 : lines.findLastIndex((line) => line.key === lastKey);
  const news = lines
    .slice(from + 1)
    .filter((line) => line.kind !== 'presence' && line.isDeleted !== true)
    .filter((line) => line.atMs >= sinceMs && line.status === 'sent')
    .filter((line) => line.from === undefined || line.from.id !== me.id);
  if (news.length <= singleMax) return news.map(speak);
  const mentions = news.filter((line) => mentionsMe(line.text, me.name)).slice(-singleMax);
  const last = news.at(-1);
  const rest = last === undefined || mentions.includes(last) ? [] : [speak(last)];
  return [`${String(news.length)} new messages`, ...mentions.map(speak), ...rest];
}
