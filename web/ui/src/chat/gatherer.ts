// Gathers a burst of lines for one frame; a hidden page has no frames, so a timer stands in.
import type { ChatLine } from './chat-log.js';

const hiddenMs = 250;

export interface Gatherer {
  add: (line: ChatLine) => void;
  flushNow: () => void;
  clear: () => void;
}

export function createGatherer(flush: (lines: ChatLine[]) => void): Gatherer {
  let waiting: ChatLine[] = [];
  let isScheduled = false;
  const run = (): void => {
    isScheduled = false;
    const lines = waiting;
    waiting = [];
    flush(lines);
  };
  return {
    add: (line) => {
      waiting.push(line);
      if (isScheduled) return;
      isScheduled = true;
      if (document.visibilityState === 'visible') requestAnimationFrame(run);
      else window.setTimeout(run, hiddenMs);
    },
    flushNow: run,
    clear: () => {
      waiting = [];
    },
  };
}
