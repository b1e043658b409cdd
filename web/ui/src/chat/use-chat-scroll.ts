// Scrolling of the chat: follows the newest line while the reader is at the end; otherwise the line
// at the upper edge stays where it is, whatever is added, removed or measured above it.
import { useCallback, useLayoutEffect, useReducer, useRef, useState } from 'react';
import type { RefObject } from 'react';
import type { ChatLog } from './chat-log.js';
import { anchorAt, MeasuredHeights, topOf, totalPx, windowOf } from './line-window.js';
import type { Anchor, LineWindow } from './line-window.js';

const nearEndPx = 48;
/** Until the list has been laid out once. */
const firstViewPx = 900;

export interface ChatScroll {
  scroller: RefObject<HTMLDivElement | null>;
  /** Its children are the rows of the window, in order. */
  rows: RefObject<HTMLOListElement | null>;
  shown: LineWindow;
  /** Lines that have come since the reader left the end. */
  missed: number;
  onScroll: () => void;
  toEnd: () => void;
}

interface Position {
  isAtEnd: boolean;
  anchor: Anchor | undefined;
  topPx: number;
}

function differ(a: LineWindow, b: LineWindow): boolean {
  return (
    a.from !== b.from ||
    a.to !== b.to ||
    Math.abs(a.abovePx - b.abovePx) > 0.5 ||
    Math.abs(a.belowPx - b.belowPx) > 0.5
  );
}

export function useChatScroll(log: ChatLog, onEnd: () => void): ChatScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLOListElement>(null);
  const heights = useRef(new MeasuredHeights()).current;
  const position = useRef<Position>({ isAtEnd: true, anchor: undefined, topPx: 0 }).current;
  const [seen, setSeen] = useState<number | undefined>(undefined);
  const [, again] = useReducer((count: number) => count + 1, 0);
  const { lines } = log;

  const compute = (): LineWindow => {
    const heightPx = scroller.current?.clientHeight ?? firstViewPx;
    const topPx = position.isAtEnd ? totalPx(lines, heights) - heightPx : position.topPx;
    return windowOf(lines, heights, { topPx, heightPx });
  };
  const shown = compute();

  useLayoutEffect(() => {
    const box = scroller.current;
    const list = rows.current;
    if (!box || !list) return;
    Array.from(list.children).forEach((row, at) => {
      const line = lines[shown.from + at];
      if (line) heights.set(line.key, row.getBoundingClientRect().height);
    });
    heights.prune(lines);
    if (position.isAtEnd) {
      box.scrollTop = box.scrollHeight;
    } else if (position.anchor) {
      const topPx = topOf(lines, heights, position.anchor);
      const wanted = topPx === undefined ? box.scrollTop : topPx + list.offsetTop;
      position.topPx = wanted - list.offsetTop;
      if (Math.abs(wanted - box.scrollTop) > 1) box.scrollTop = wanted;
    }
    if (differ(compute(), shown)) again();
  });

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return undefined;
    let widthPx = box.clientWidth;
    // The on-screen keyboard and a turned phone change the size: the end stays in view.
    const observer = new ResizeObserver(() => {
      if (box.clientWidth !== widthPx) heights.clear();
      widthPx = box.clientWidth;
      again();
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [heights]);

  const toEnd = useCallback(() => {
    position.isAtEnd = true;
    setSeen(undefined);
    again();
  }, [position]);

  const onScroll = (): void => {
    const box = scroller.current;
    const list = rows.current;
    if (!box || !list) return;
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < nearEndPx;
    position.topPx = box.scrollTop - list.offsetTop;
    position.anchor = anchorAt(lines, heights, position.topPx);
    if (isNear !== position.isAtEnd) {
      position.isAtEnd = isNear;
      setSeen(isNear ? undefined : log.arrived);
      if (isNear) onEnd();
    }
    if (differ(compute(), shown)) again();
  };
  return {
    scroller,
    rows,
    shown,
    missed: seen === undefined ? 0 : log.arrived - seen,
    onScroll,
    toEnd,
  };
}
