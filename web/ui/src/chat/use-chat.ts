// The chat of one room as React state: incoming lines are gathered and shown once per frame, own
// lines at once.
import { useMemo } from 'react';
import { newMid, readHistory, say } from '../realtime/realtime.js';
import { createStore } from '../state/store.js';
import type { Store } from '../state/store.js';
import {
  acknowledge,
  addDraft,
  addHistory,
  addLines,
  dropLine,
  emptyLog,
  forgetHistory,
  markDeleted,
  markFailed,
  markSending,
  oldestOffset,
} from './chat-log.js';
import type { ChatAuthor, ChatLine, ChatLog } from './chat-log.js';
import { asFields, asText, readHistoryItem, readLine } from './chat-wire.js';
import type { WireMessage } from './chat-wire.js';
import { explainRefusal } from './refusals.js';

export interface Chat {
  store: Store<ChatLog>;
  receive: (message: WireMessage) => void;
  note: (text: string) => void;
  send: (channel: string, from: ChatAuthor, text: string) => void;
  retry: (channel: string, line: ChatLine) => void;
  drop: (line: ChatLine) => void;
  /** One more page of the past; resolves to the change to make, undefined at the beginning. */
  readBack: (channel: string) => Promise<(() => void) | undefined>;
  /** The reader is at the end again. */
  atEnd: () => void;
  stop: () => void;
}

const historyPage = 50;

/** Gathers a burst for one frame; a hidden page has no frames, so a timer stands in. */
function createGatherer(flush: (lines: ChatLine[]) => void) {
  let waiting: ChatLine[] = [];
  let isScheduled = false;
  const run = (): void => {
    isScheduled = false;
    const lines = waiting;
    waiting = [];
    flush(lines);
  };
  return {
    add: (line: ChatLine): void => {
      waiting.push(line);
      if (isScheduled) return;
      isScheduled = true;
      if (document.visibilityState === 'visible') requestAnimationFrame(run);
      else window.setTimeout(run, 250);
    },
    flushNow: run,
    clear: (): void => {
      waiting = [];
    },
  };
}

/** What a delete or clear message removes; `all` for the whole chat. */
function readRemoval(message: WireMessage): 'all' | Parameters<typeof markDeleted>[1] {
  const body = asFields(message.body);
  const offset = Number(body['offset']);
  const mid = asText(body['mid']);
  const userId = asText(body['user']) ?? asText(body['userId']);
  if (message.kind === 'c') return userId === undefined ? 'all' : { userId };
  return {
    ...(Number.isInteger(offset) && offset > 0 ? { offset } : {}),
    ...(mid === undefined ? {} : { mid }),
  };
}

async function readBack(store: Store<ChatLog>, channel: string): Promise<(() => void) | undefined> {
  const before = oldestOffset(store.get());
  if (before === undefined || before <= 1) return undefined;
  const items = await readHistory(channel, before, historyPage);
  if (items.length === 0) return undefined;
  const lines = items.map(readHistoryItem).filter((line) => line !== undefined);
  return () => store.update((log) => addHistory(log, lines));
}

function createChat(): Chat {
  const store = createStore<ChatLog>(emptyLog);
  const gatherer = createGatherer((lines) => store.update((log) => addLines(log, lines)));
  const deliver = (channel: string, mid: string, text: string): void => {
    say(channel, text, mid)
      .then(({ offset, state }) => {
        store.update((log) => acknowledge(log, mid, offset > 0 ? offset : undefined));
        if (state === 'held') note('Your message waits for a moderator.');
      })
      .catch((error: unknown) => {
        store.update((log) => markFailed(log, mid, explainRefusal(error)));
      });
  };
  let notes = 0;
  const note = (text: string): void => {
    notes += 1;
    gatherer.add({
      key: `note-${String(notes)}`,
      kind: 'notice',
      text,
      atMs: Date.now(),
      status: 'sent',
    });
  };
  const remove = (message: WireMessage): void => {
    // A line that still waits for its frame must not come back after its removal.
    gatherer.flushNow();
    const removal = readRemoval(message);
    if (removal !== 'all') {
      store.update((log) => markDeleted(log, removal));
      return;
    }
    store.update((log) => ({ ...log, lines: [] }));
    note('A moderator has cleared the chat.');
  };
  return {
    store,
    note,
    receive: (message) => {
      if (message.kind === 'd' || message.kind === 'c') {
        remove(message);
        return;
      }
      const line = readLine(message, Date.now());
      if (line) gatherer.add(line);
    },
    send: (channel, from, text) => {
      const mid = newMid();
      store.update((log) => addDraft(log, { mid, from, text, atMs: Date.now() }));
      deliver(channel, mid, text);
    },
    retry: (channel, line) => {
      if (line.mid === undefined) return;
      const { mid } = line;
      store.update((log) => markSending(log, mid));
      deliver(channel, mid, line.text);
    },
    readBack: (channel) => readBack(store, channel),
    atEnd: () => store.update(forgetHistory),
    drop: (line) => store.update((log) => dropLine(log, line.key)),
    stop: () => gatherer.clear(),
  };
}

export function useChat(roomKey: string): Chat {
  return useMemo(createChat, [roomKey]);
}
