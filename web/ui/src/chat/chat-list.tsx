// The scrolling part of the chat: follows the newest line while the reader is at the end, stays put
// and counts while not.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Button } from '../ui/button.js';
import { DownIcon } from '../ui/icons.js';
import { oldestOffset } from './chat-log.js';
import type { ChatLog } from './chat-log.js';
import { ChatMessage } from './chat-message.js';
import type { LineActions } from './chat-message.js';

const nearEndPx = 48;

interface ChatListProps extends LineActions {
  log: ChatLog;
  myName: string | undefined;
  /** Changes when the reader has said something: then the end is wanted. */
  ownCount: number;
  /**
   * Fetches older lines; resolves to the change to make, undefined at the beginning of the chat.
   */
  readBack: () => Promise<(() => void) | undefined>;
  onEnd: () => void;
}

interface Follow {
  ref: React.RefObject<HTMLDivElement | null>;
  missed: number;
  onScroll: () => void;
  toEnd: () => void;
}

function useFollow(log: ChatLog, ownCount: number, onEnd: () => void): Follow {
  const ref = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [seen, setSeen] = useState<number | undefined>(undefined);
  const toEnd = useCallback(() => {
    isAtEnd.current = true;
    setSeen(undefined);
    const list = ref.current;
    if (list) list.scrollTop = list.scrollHeight;
  }, []);
  useLayoutEffect(() => {
    const list = ref.current;
    if (list && isAtEnd.current) list.scrollTop = list.scrollHeight;
  }, [log]);
  useLayoutEffect(() => {
    if (ownCount > 0) toEnd();
  }, [ownCount, toEnd]);
  useEffect(() => {
    const list = ref.current;
    if (!list) return undefined;
    // The on-screen keyboard and a turned phone change the height: the end stays in view.
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) list.scrollTop = list.scrollHeight;
    });
    observer.observe(list);
    return () => observer.disconnect();
  }, []);
  const onScroll = (): void => {
    const list = ref.current;
    if (!list) return;
    const isNear = list.scrollHeight - list.scrollTop - list.clientHeight < nearEndPx;
    if (isNear === isAtEnd.current) return;
    isAtEnd.current = isNear;
    setSeen(isNear ? undefined : log.arrived);
    if (isNear) onEnd();
  };
  return { ref, missed: seen === undefined ? 0 : log.arrived - seen, onScroll, toEnd };
}

interface Past {
  state: 'unknown' | 'loading' | 'beginning' | 'failed';
  load: () => void;
}

/** Going back: the lines on the screen stay where they are while older ones are put above them. */
function usePast(
  ref: React.RefObject<HTMLDivElement | null>,
  readBack: ChatListProps['readBack'],
): Past {
  const [state, setState] = useState<Past['state']>('unknown');
  const load = (): void => {
    setState('loading');
    readBack()
      .then((apply) => {
        const list = ref.current;
        const fromEnd = list ? list.scrollHeight - list.scrollTop : 0;
        flushSync(() => {
          apply?.();
          setState(apply ? 'unknown' : 'beginning');
        });
        if (list) list.scrollTop = list.scrollHeight - fromEnd;
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

export function ChatList(props: ChatListProps) {
  const { log, myName, ownCount, readBack, onEnd, onRetry, onDrop, onMention } = props;
  const { ref, missed, onScroll, toEnd } = useFollow(log, ownCount, onEnd);
  const past = usePast(ref, readBack);
  const hasPast = (oldestOffset(log) ?? 1) > 1 && past.state !== 'beginning';
  return (
    <div className="chat-scroll-frame">
      <div
        className="chat-scroll"
        ref={ref}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label="Chat"
      >
        {hasPast ? (
          <div className="chat-past">
            <Button size="small" look="quiet" isBusy={past.state === 'loading'} onClick={past.load}>
              {pastWords[past.state]}
            </Button>
          </div>
        ) : null}
        <ol className="chat-lines" data-testid="chat-list">
          {log.lines.map((line) => (
            <ChatMessage
              key={line.key}
              line={line}
              myName={myName}
              onRetry={onRetry}
              onDrop={onDrop}
              onMention={onMention}
            />
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
