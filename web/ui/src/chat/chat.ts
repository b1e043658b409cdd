// The chat of one room: lines, rules, the pinned message and what this visitor has to wait for.
// Incoming lines are gathered and shown once per frame, own lines at once.
import { newMid, readHistory, say } from '../realtime/realtime.js';
import { createStore } from '../state/store.js';
import * as logs from './chat-log.js';
import type { ChatAuthor, ChatLine, ChatLog } from './chat-log.js';
import { nextTurnMs, openChat, readRules, refusedUntilMs } from './chat-rules.js';
import type { ChatRules } from './chat-rules.js';
import {
  readHistoryItem,
  readLine,
  readMove,
  readPin,
  readRemoval,
  readUnseen,
} from './chat-wire.js';
import type { Pin, WireMessage } from './chat-wire.js';
import { createGatherer } from './gatherer.js';
import { explainRefusal } from './refusals.js';

export interface Saying {
  text: string;
  from: ChatAuthor;
  /** Offset of the message that is answered. */
  reply?: number;
}

/** What is known of a message that others answer: undefined while it is looked up, null = gone. */
export type Quote = ChatLine | null;

const historyPage = 50;

export class Chat {
  readonly store = createStore<ChatLog>(logs.emptyLog);
  readonly rules = createStore<ChatRules>(openChat);
  readonly pin = createStore<Pin | undefined>(undefined);
  /** Unix ms before which the next own message would be refused; 0 = now is fine. */
  readonly turnMs = createStore(0);
  /** Answered messages that are older than the lines shown. */
  readonly quotes = createStore<ReadonlyMap<number, Quote>>(new Map());
  /** Grows whenever somebody came or went. */
  readonly moves = createStore(0);
  /** Grows whenever the queue of held messages has changed; only moderators hear of it. */
  readonly queueMoves = createStore(0);
  private readonly asked = new Set<number>();
  private level: string | undefined;
  private notes = 0;
  private readonly gatherer = createGatherer((lines) =>
    this.store.update((log) => logs.addLines(log, lines)),
  );

  constructor(private readonly myId: string | undefined) {}

  /** What we may do in the room; those above the rules never wait. */
  setLevel(level: string | undefined): void {
    this.level = level;
  }

  receive(message: WireMessage): void {
    switch (message.kind) {
      case 'd':
      case 'c':
        this.remove(message);
        return;
      case 's': {
        const rules = readRules(message.body);
        if (rules) this.rules.set(rules);
        return;
      }
      case 'p':
        this.pin.set(readPin(message.body));
        return;
      case 'j':
        this.move(message.body);
        return;
      case 'o':
        for (const line of readUnseen(message, Date.now())) this.gatherer.add(line);
        return;
      case 'h':
        this.queueMoves.update((count) => count + 1);
        return;
      default: {
        const line = readLine(message, Date.now());
        if (line) this.gatherer.add(line);
      }
    }
  }

  /** A line of the house, in the flow of the chat. */
  note(text: string): void {
    this.gatherer.add({ ...this.ownLine(), kind: 'notice', text });
  }

  send(channel: string, saying: Saying): void {
    const mid = newMid();
    this.store.update((log) => logs.addDraft(log, { mid, ...saying, atMs: Date.now() }));
    this.deliver(channel, mid, saying);
  }

  retry(channel: string, line: ChatLine): void {
    const { mid, text, reply } = line;
    if (mid === undefined) return;
    this.store.update((log) => logs.markSending(log, mid));
    this.deliver(channel, mid, { text, ...(reply === undefined ? {} : { reply }) });
  }

  drop(line: ChatLine): void {
    this.store.update((log) => logs.dropLine(log, line.key));
  }

  /** A moderator has turned down a message of ours. */
  denied(reason: string | undefined): void {
    const mid = logs.oldestHeld(this.store.get())?.mid;
    if (mid === undefined) return;
    this.store.update((log) => logs.setAside(log, mid, 'denied', reason));
  }

  /** One more page of the past; resolves to the change to make, undefined at the beginning. */
  async readBack(channel: string): Promise<(() => void) | undefined> {
    const before = logs.oldestOffset(this.store.get());
    if (before === undefined || before <= 1) return undefined;
    const items = await readHistory(channel, before, historyPage);
    if (items.length === 0) return undefined;
    const lines = items.map(readHistoryItem).filter((line) => line !== undefined);
    return () => this.store.update((log) => logs.addHistory(log, lines));
  }

  /** Fetches an answered message that is not among the lines, once. */
  lookUp(channel: string, offset: number): void {
    if (this.asked.has(offset)) return;
    this.asked.add(offset);
    readHistory(channel, offset + 1, 1)
      .then(([item]) => {
        const line = readHistoryItem(item);
        const quote = line?.offset === offset ? line : null;
        this.quotes.update((known) => new Map(known).set(offset, quote));
      })
      .catch(() => this.asked.delete(offset));
  }

  /** The reader is at the end again. */
  atEnd(): void {
    this.store.update(logs.forgetHistory);
  }

  stop(): void {
    this.gatherer.clear();
  }

  private ownLine(): Pick<ChatLine, 'key' | 'atMs' | 'status'> {
    this.notes += 1;
    return { key: `own-${String(this.notes)}`, atMs: Date.now(), status: 'sent' };
  }

  private move(body: unknown): void {
    const move = readMove(body);
    if (!move) return;
    this.moves.update((count) => count + 1);
    if (move.id === this.myId) return;
    this.gatherer.flushNow();
    this.store.update((log) => logs.addMove(log, { ...this.ownLine(), ...move }));
  }

  private deliver(channel: string, mid: string, { text, reply }: Omit<Saying, 'from'>): void {
    say(channel, { text, mid, reply })
      .then(({ offset, state }) => {
        if (state === 'held' || state === 'sampled') {
          this.store.update((log) => logs.setAside(log, mid, state));
        } else {
          this.store.update((log) => logs.acknowledge(log, mid, offset > 0 ? offset : undefined));
        }
        this.turnMs.set(nextTurnMs(this.rules.get(), this.level, Date.now()));
      })
      .catch((error: unknown) => {
        this.store.update((log) => logs.markFailed(log, mid, explainRefusal(error)));
        const untilMs = refusedUntilMs(error, Date.now());
        if (untilMs !== undefined) this.turnMs.set(untilMs);
      });
  }

  private remove(message: WireMessage): void {
    // A line that still waits for its frame must not come back after its removal.
    this.gatherer.flushNow();
    const removal = readRemoval(message);
    if (removal !== 'all') {
      this.store.update((log) => logs.markDeleted(log, removal));
      return;
    }
    this.store.update((log) => ({ ...log, lines: [] }));
    this.note('A moderator has cleared the chat.');
  }
}
