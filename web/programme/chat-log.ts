// The chat of a room as a document for those in charge: what history still holds, without what was
// taken away. Used by the programme routes.
import type { HistoryItem, Moderation } from '../ports.js';

export interface LogLine {
  readonly at: string;
  readonly offset: number;
  readonly kind: 'message' | 'tip';
  readonly from: { readonly id: string; readonly name: string };
  readonly text: string;
  /** Milli-credits; only of tips. */
  readonly amountMilli?: string;
}

const PAGE = 100;
/** History itself keeps a thousand messages. */
const PAGES_MAX = 11;

/** Oldest first. @throws REALTIME_UNAVAILABLE */
export async function readChatLog(moderation: Moderation, roomId: string): Promise<LogLine[]> {
  let { top, msgs } = await moderation.history(roomId, { limit: PAGE });
  const items = [...msgs];
  // By offsets, not by what came: a page may be empty because all of it was deleted.
  for (let page = 1; page < PAGES_MAX && top > PAGE; page += 1) {
    top -= PAGE;
    ({ msgs } = await moderation.history(roomId, { before: top + 1, limit: PAGE }));
    items.unshift(...msgs);
  }
  return withoutRemoved(items);
}

export function renderChatLog(lines: readonly LogLine[]): string {
  return lines
    .map(({ at, from, text, amountMilli }) => {
      const tip = amountMilli === undefined ? '' : ` (tip of ${Number(amountMilli) / 1_000})`;
      // One message stays one line, whatever is in it.
      return `[${at}] <${from.name}>${tip} ${text.replace(/[\r\n\u2028\u2029]+/g, ' ')}\n`;
    })
    .join('');
}

/** Takes away what later messages of the channel delete or clear. */
function withoutRemoved(items: readonly HistoryItem[]): LogLine[] {
  let lines: LogLine[] = [];
  for (const [offset, atMs, kind, body, mid] of items) {
    const line = readLine({ offset, atMs, kind, body, mid });
    if (line !== undefined) lines.push(line);
    else if (kind === 'd') lines = lines.filter((one) => one.offset !== body['offset']);
    else if (kind === 'c') {
      const { user } = body as { user?: unknown };
      lines = user === undefined ? [] : lines.filter((one) => one.from.id !== user);
    }
  }
  return lines;
}

interface Item {
  readonly offset: number;
  readonly atMs: number;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly mid: string;
}

function readLine({ offset, atMs, kind, body }: Item): LogLine | undefined {
  const { from, text, amount } = body as { from?: unknown; text?: unknown; amount?: unknown };
  if ((kind !== 'm' && kind !== 't') || typeof from !== 'object' || from === null) return undefined;
  const { id, name } = from as { id?: unknown; name?: unknown };
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  return {
    at: new Date(atMs).toISOString(),
    offset,
    kind: kind === 'm' ? 'message' : 'tip',
    from: { id, name },
    text: typeof text === 'string' ? text : '',
    ...(typeof amount === 'string' ? { amountMilli: amount } : {}),
  };
}
