// Completing a name after @: what is being typed at the caret, and who fits. Pure.

export interface MentionQuery {
  /** Where the @ stands in the text. */
  at: number;
  /** What follows it up to the caret. */
  typed: string;
}

/** Undefined while no name is being typed at the caret. */
export function mentionAt(text: string, caret: number): MentionQuery | undefined {
  const match = /(^|[^\w@])@([\w-]{0,32})$/u.exec(text.slice(0, caret));
  if (!match) return undefined;
  const typed = match[2] ?? '';
  return { at: caret - typed.length - 1, typed };
}

const suggestionsMax = 5;

/** Names that begin with what is typed, in the order given; a name that is complete is not. */
export function suggestNames(names: Iterable<string>, typed: string): string[] {
  const wanted = typed.toLowerCase();
  const found = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted) && lower !== wanted) found.add(name);
    if (found.size === suggestionsMax) break;
  }
  return [...found];
}

/** The text with the name in place, and where the caret belongs. */
export function completeMention(
  text: string,
  query: MentionQuery,
  name: string,
): { text: string; caret: number } {
  const before = `${text.slice(0, query.at)}@${name} `;
  const after = text.slice(query.at + 1 + query.typed.length).replace(/^ /, '');
  return { text: before + after, caret: before.length };
}
