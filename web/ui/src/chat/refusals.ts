// Why a message was not taken, in words for the person who wrote it. The codes are those of the rt1
// protocol.
const words: Record<string, string> = {
  banned: 'You are banned from this room.',
  muted: 'A moderator has muted you for now.',
  slow_mode: 'Slow mode: please wait a moment.',
  rate_limited: 'Too fast. Please wait a moment.',
  duplicate_text: 'You have just said the same.',
  links_blocked: 'Links are not allowed in this room.',
  word_blocked: 'This room does not allow one of the words.',
  emote_only: 'Only emotes are allowed at the moment.',
  followers_only: 'Only followers may chat at the moment.',
  fans_only: 'Only the fan club may chat at the moment.',
  tippers_only: 'Only those who have tipped may chat at the moment.',
  members_only: 'Only members may chat at the moment.',
  room_locked: 'Chat is locked at the moment.',
  room_private: 'The room is private at the moment.',
  room_offline: 'The room is offline: only the model and moderators may write.',
  anons_refused: 'Please log in to enter this room.',
  review_full: 'Too many messages wait for a moderator. Try again later.',
  text_too_long: 'The message is empty or too long.',
  forbidden: 'You may read here, but not write.',
  timeout: 'No answer from the chat. Try again.',
  closed: 'The connection was lost. Try again.',
  queue_full: 'Too many messages are waiting to be sent.',
  temporary: 'Chat is not available right now. Try again.',
};

interface Coded {
  code?: unknown;
  retryMs?: unknown;
}

export function explainRefusal(error: unknown): string {
  const { code, retryMs } = (typeof error === 'object' && error !== null ? error : {}) as Coded;
  const base = typeof code === 'string' ? words[code] : undefined;
  if (base === undefined) return 'The message was not sent. Try again.';
  const isTimed = code === 'slow_mode' || code === 'rate_limited' || code === 'muted';
  if (!isTimed || typeof retryMs !== 'number' || retryMs <= 0) return base;
  return `${base} (${String(Math.ceil(retryMs / 1000))} s)`;
}
