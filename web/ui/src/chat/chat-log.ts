// The lines of one room's chat as pure data: own lines appear at once and are merged with their
// echo by `mid`, a tip is shown once, and the list stays bounded. Lines are ordered by offset;
// unsent ones stand last.
export interface ChatAuthor {
  id: string;
  name: string;
  role: string;
}

/**
 * `held` waits for a moderator, `denied` was turned down by one, `sampled` was left out because the
 * room is too fast, `shadow` was said under a shadow mute: these have no place in the sequence and
 * only their author sees them, the last two also moderators.
 */
export type LineStatus = 'sending' | 'sent' | 'failed' | 'held' | 'denied' | 'sampled' | 'shadow';

export interface ChatLine {
  /** Stable React key: survives the change from own draft to acknowledged line. */
  key: string;
  kind: 'message' | 'tip' | 'notice' | 'presence';
  from?: ChatAuthor;
  text: string;
  /** Offset of the message that this one answers. */
  reply?: number;
  /** Of a presence line: who came or went, the first ones by name. */
  moves?: { is: 'in' | 'out'; names: string[]; count: number };
  amountMilli?: string;
  /** Of many tips in one line (tip-fold.ts): how many, the first people by name. */
  tips?: { names: string[]; hasMore: boolean; count: number };
  mid?: string;
  offset?: number;
  atMs: number;
  status: LineStatus;
  /** Why sending failed, in words. */
  problem?: string;
  isDeleted?: boolean;
}

export interface ChatLog {
  lines: ChatLine[];
  /** Counts lines from others that ever arrived, for the “new messages” pill. */
  arrived: number;
  /** The oldest lines beyond this number are forgotten. */
  keep: number;
}

/** More lines than this make scrolling slow on phones. */
export const linesMax = 300;

/** As far as a reader can go back; then the newest lines make room, too. */
export const historyMax = 1500;

export const emptyLog: ChatLog = { lines: [], arrived: 0, keep: linesMax };

function bounded(lines: ChatLine[], keep: number): ChatLine[] {
  return lines.length > keep ? lines.slice(lines.length - keep) : lines;
}

function isSame(a: ChatLine, b: ChatLine): boolean {
  if (a.mid !== undefined && a.mid === b.mid) return true;
  return a.offset !== undefined && a.offset === b.offset;
}

/**
 * Puts a sequenced line where its offset belongs; nearly always that is the end of the sequenced
 * part.
 */
function insertByOffset(lines: ChatLine[], line: ChatLine): void {
  let at = lines.length;
  while (at > 0) {
    const before = lines[at - 1];
    const isUnsent = before?.status === 'sending' || before?.status === 'failed';
    const isLater =
      before?.offset !== undefined && line.offset !== undefined && before.offset > line.offset;
    if (!isUnsent && !isLater) break;
    at -= 1;
  }
  lines.splice(at, 0, line);
}

/**
 * Adds lines as they arrive (live, history or resume, in any mixture); what is already shown is
 * merged, not repeated.
 */
export function addLines(log: ChatLog, incoming: readonly ChatLine[]): ChatLog {
  if (incoming.length === 0) return log;
  const lines = [...log.lines];
  let arrived = log.arrived;
  for (const line of incoming) {
    const at = findRecent(lines, line);
    const known = at === -1 ? undefined : lines[at];
    if (known) {
      // Told again that the others do not see it: nothing new.
      if (line.status !== 'sent') continue;
      if (known.status === 'sent' && known.offset !== undefined) continue;
      lines.splice(at, 1);
      insertByOffset(lines, { ...known, ...line, key: known.key, status: 'sent' });
      continue;
    }
    insertByOffset(lines, line);
    if (line.kind === 'message' || line.kind === 'tip') arrived += 1;
  }
  return { ...log, lines: bounded(lines, log.keep), arrived };
}

/** Adds older lines for a reader who goes back; they are kept until `forgetHistory`. */
export function addHistory(log: ChatLog, older: readonly ChatLine[]): ChatLog {
  const keep = Math.min(historyMax, Math.max(log.keep, log.lines.length + older.length + linesMax));
  return { ...addLines({ ...log, keep }, older), arrived: log.arrived };
}

/** The reader is back at the end: what they looked up may go. */
export function forgetHistory(log: ChatLog): ChatLog {
  if (log.keep === linesMax) return log;
  return { ...log, lines: bounded(log.lines, linesMax), keep: linesMax };
}

/** Offset of the oldest sequenced line; history goes on before it. */
export function oldestOffset(log: ChatLog): number | undefined {
  return log.lines.find((line) => line.offset !== undefined)?.offset;
}

function findRecent(lines: readonly ChatLine[], line: ChatLine): number {
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const other = lines[at];
    if (other && isSame(other, line)) return at;
  }
  return -1;
}

/** Shows an own line before the server has it. */
export function addDraft(
  log: ChatLog,
  draft: { mid: string; from: ChatAuthor; text: string; reply?: number; atMs: number },
): ChatLog {
  const line: ChatLine = { ...draft, key: draft.mid, kind: 'message', status: 'sending' };
  return { ...log, lines: bounded([...log.lines, line], log.keep) };
}

function change(log: ChatLog, mid: string, patch: (line: ChatLine) => ChatLine): ChatLog {
  return { ...log, lines: log.lines.map((line) => (line.mid === mid ? patch(line) : line)) };
}

export function acknowledge(log: ChatLog, mid: string, offset: number | undefined): ChatLog {
  const line = log.lines.find((candidate) => candidate.mid === mid);
  if (!line || (line.status === 'sent' && line.offset !== undefined)) return log;
  const { problem: _problem, ...rest } = line;
  const sent: ChatLine = { ...rest, status: 'sent', ...(offset === undefined ? {} : { offset }) };
  const lines = log.lines.filter((candidate) => candidate !== line);
  insertByOffset(lines, sent);
  return { ...log, lines };
}

export function markFailed(log: ChatLog, mid: string, problem: string): ChatLog {
  return change(log, mid, (line) =>
    line.status === 'sent' ? line : { ...line, status: 'failed', problem },
  );
}

export function markSending(log: ChatLog, mid: string): ChatLog {
  return change(log, mid, (line) => {
    const { problem: _problem, ...rest } = line;
    return { ...rest, status: 'sending' };
  });
}

/** Accepted without a place: only the author sees the line, with the reason beside it. */
export function setAside(
  log: ChatLog,
  mid: string,
  status: 'held' | 'denied' | 'sampled',
  problem?: string,
): ChatLog {
  return change(log, mid, (line) => {
    const { problem: _problem, ...rest } = line;
    if (line.status === 'sent') return line;
    return { ...rest, status, ...(problem === undefined ? {} : { problem }) };
  });
}

/** The line that has waited longest for a moderator. */
export function oldestHeld(log: ChatLog): ChatLine | undefined {
  return log.lines.find((line) => line.status === 'held');
}

const namesMax = 3;

/** Who came or went; a run of the same kind is one line, so that a busy door stays readable. */
export function addMove(
  log: ChatLog,
  move: { key: string; is: 'in' | 'out'; name: string; atMs: number },
): ChatLog {
  const last = log.lines.at(-1);
  if (last?.moves?.is === move.is) {
    const { names, count } = last.moves;
    const next = names.length < namesMax ? [...names, move.name] : names;
    const merged = { ...last, moves: { is: move.is, names: next, count: count + 1 } };
    return { ...log, lines: [...log.lines.slice(0, -1), merged] };
  }
  const line: ChatLine = {
    key: move.key,
    kind: 'presence',
    text: '',
    moves: { is: move.is, names: [move.name], count: 1 },
    atMs: move.atMs,
    status: 'sent',
  };
  return addLines(log, [line]);
}

export function dropLine(log: ChatLog, key: string): ChatLog {
  return { ...log, lines: log.lines.filter((line) => line.key !== key) };
}

/** A moderator removed one line, or every line of one author. The place stays, the words go. */
export function markDeleted(
  log: ChatLog,
  target: { offset?: number; mid?: string; userId?: string },
): ChatLog {
  const isTarget = (line: ChatLine): boolean =>
    (target.offset !== undefined && line.offset === target.offset) ||
    (target.mid !== undefined && line.mid === target.mid) ||
    (target.userId !== undefined && line.kind === 'message' && line.from?.id === target.userId);
  return {
    ...log,
    lines: log.lines.map((line) =>
      isTarget(line) ? { ...line, isDeleted: true, text: '' } : line,
    ),
  };
}
