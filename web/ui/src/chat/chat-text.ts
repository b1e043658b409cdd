// Splits what somebody wrote into plain words, mentions and emotes. The parts are shown as text
// nodes; nothing here is ever HTML.
export type TextPart =
  | { kind: 'text'; text: string }
  | { kind: 'mention'; text: string; isMe: boolean }
  | { kind: 'emote'; text: string; name: string };

export const emoteNames = [
  'clap',
  'heart',
  'star',
  'rose',
  'wow',
  'laugh',
  'curtain',
  'encore',
] as const;
export type EmoteName = (typeof emoteNames)[number];

const pattern = /(^|[^\w@])@([\w-]{2,32})|:([a-z]{2,12}):/gu;

export function isEmote(name: string): name is EmoteName {
  return (emoteNames as readonly string[]).includes(name);
}

export function splitText(text: string, myName: string | undefined): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  const plain = (until: number): void => {
    if (until > from) parts.push({ kind: 'text', text: text.slice(from, until) });
  };
  for (const match of text.matchAll(pattern)) {
    const [whole, before = '', mention, emote] = match;
    if (emote !== undefined && !isEmote(emote)) continue;
    const start = match.index + before.length;
    plain(start);
    from = match.index + whole.length;
    if (emote !== undefined) {
      parts.push({ kind: 'emote', text: whole, name: emote });
    } else if (mention !== undefined) {
      const isMe = mention.toLowerCase() === myName?.toLowerCase();
      parts.push({ kind: 'mention', text: `@${mention}`, isMe });
    }
  }
  plain(text.length);
  return parts;
}

export function mentionsMe(text: string, myName: string | undefined): boolean {
  if (myName === undefined || !text.includes('@')) return false;
  return splitText(text, myName).some((part) => part.kind === 'mention' && part.isMe);
}
