// The scrolling part of the chat. Only lines near to what is in sight are in the page, so that a
// busy room and a long look back stay smooth on a phone.
import { useLayoutEffect, useMemo, useState } from 'react';
import { useStore } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { DownIcon } from '../ui/icons.js';
import type { Chat } from './chat.js';
import { oldestOffset } from './chat-log.js';
import type { ChatAuthor, ChatLine, ChatLog } from './chat-log.js';
import { ChatMessage } from './chat-message.js';
import type { LineActions } from './chat-message.js';
import { foldTips } from './tip-fold.js';
import { useChatScroll } from './use-chat-scroll.js';

interface ChatListProps extends LineActions {
  chat: Chat;
  channel: string;
  log: ChatLog;
  me: ChatAuthor | undefined;
  /** Changes when the reader has said something: then the end is wanted. */
  ownCount: number;
}

interface Past {
  state: 'unknown' | 'loading' | 'beginning' | 'failed';
  load: () => void;
}

function usePast(chat: Chat, channel: string): Past {
  const [state, setState] = useState<Past['state']>('unknown');
  const load = (): void => {
    setState('loading');
    chat
      .readBack(channel)
      .then((apply) => {
        apply?.();
        setState(apply ? 'unknown' : 'beginning');
      })
      .catch(() => setState('failed'));
  };
  return { state, load };
}

const pastWords: Record<Past['state'], string> = {
  unknown: 'Earlier messages',
  loading: 'Loading…',
  beginning: '',
  failed: 'Not available. Try again',
};

/** The message that a line answers: among the lines, looked up before, or to be looked up. */
function useQuote(chat: Chat, channel: string, log: ChatLog) {
  const quotes = useStore(chat.quotes);
  return (line: ChatLine): ChatLine | null | undefined => {
    const { reply } = line;
    if (reply === undefined) return undefined;
    const shown = log.lines.find((one) => one.offset === reply);
    if (shown) return shown;
    const found = quotes.get(reply);
    if (found === undefined) queueMicrotask(() => chat.lookUp(channel, reply));
    return found;
  };
}

export function ChatList(props: ChatListProps) {
  const { chat, channel, log, me, ownCount, ...actions } = props;
  const view = useMemo(() => ({ ...log, lines: foldTips(log.lines) }), [log]);
  const { scroller, rows, shown, missed, onScroll, toEnd } = useChatScroll(view, () =>
    chat.atEnd(),
  );
  const quoteOf = useQuote(chat, channel, log);
  const past = usePast(chat, channel);
  const hasPast = (oldestOffset(log) ?? 1) > 1 && past.state !== 'beginning';
  useLayoutEffect(() => {
    if (ownCount > 0) toEnd();
  }, [ownCount, toEnd]);
  return (
    <div className="chat-scroll-frame">
      <div
        className="chat-scroll"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="group"
        aria-label="Messages"
      >
        {hasPast ? (
          <div className="chat-past">
            <Button size="small" look="quiet" isBusy={past.state === 'loading'} onClick={past.load}>
              {pastWords[past.state]}
            </Button>
          </div>
        ) : null}
        <ol
          className="chat-lines"
          data-testid="chat-list"
          ref={rows}
          style={{ paddingTop: shown.abovePx, paddingBottom: shown.belowPx }}
        >
          {view.lines.slice(shown.from, shown.to).map((line) => (
            <li key={line.key} className="chat-row">
              <ChatMessage line={line} quote={quoteOf(line)} me={me} {...actions} />
            </li>
          ))}
        </ol>
        {log.lines.length === 0 ? (
          <p className="chat-empty">No one has said anything yet.</p>
        ) : null}
      </div>
      {missed > 0 ? (
        <button type="button" className="chat-pill" onClick={toEnd}>
          <DownIcon />
          {missed > 99 ? '99+' : missed} new {missed === 1 ? 'message' : 'messages'}
        </button>
      ) : null}
    </div>
  );
}
