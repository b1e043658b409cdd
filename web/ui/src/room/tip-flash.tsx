// The newest tip over the picture for a few seconds, so that the whole house sees it. History is
// not celebrated again.
import { useEffect, useRef, useState } from 'react';
import type { ChatLine } from '../chat/chat-log.js';
import type { Chat } from '../chat/chat.js';
import { formatCredits } from '../format/credits.js';
import { useStore } from '../state/use-store.js';
import { TicketIcon } from '../ui/icons.js';

const showMs = 5000;
/** Older than this is history. */
const freshMs = 10_000;

export function TipFlash({ chat }: { chat: Chat }) {
  const log = useStore(chat.store);
  const [tip, setTip] = useState<ChatLine>();
  const shown = useRef(new Set<string>());
  useEffect(() => {
    const newest = log.lines.findLast((line) => line.kind === 'tip');
    if (!newest || shown.current.has(newest.key) || Date.now() - newest.atMs > freshMs) return;
    shown.current.add(newest.key);
    setTip(newest);
  }, [log]);
  useEffect(() => {
    if (!tip) return undefined;
    const timer = window.setTimeout(() => setTip(undefined), showMs);
    return () => window.clearTimeout(timer);
  }, [tip]);
  if (!tip) return null;
  return (
    <div className="tip-flash" key={tip.key} aria-hidden="true">
      <TicketIcon />
      <span>
        <strong>{tip.from?.name}</strong> tips{' '}
        <strong className="number">{formatCredits(tip.amountMilli ?? '0')}</strong>
      </span>
    </div>
  );
}
