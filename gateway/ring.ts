// The newest messages of one channel in this worker, encoded and ready to send. Answers joins,
// resumes and slow readers without Redis. Invariant: offsets are dense; bounded in number and
// bytes.
import { unpackValues } from './protocol/index.js';

/** One encoded push. `json` is made when the first JSON client needs it. */
export interface Entry {
  readonly offset: number;
  readonly ts: number;
  readonly kind: string;
  readonly binary: Buffer;
  json: string | undefined;
}

export interface RingOptions {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export class Ring {
  private entries: Entry[] = [];
  private start = 0;
  private bytes = 0;
  private highest = 0;

  constructor(private readonly options: RingOptions) {}

  /** Everything above this offset is here. */
  get floor(): number {
    return this.highest - this.length;
  }

  get top(): number {
    return this.highest;
  }

  get length(): number {
    return this.entries.length - this.start;
  }

  /** Mean size of an entry; 0 when there is none. */
  get entryBytes(): number {
    return this.length === 0 ? 0 : this.bytes / this.length;
  }

  /** Forgets everything; the next entry has offset `top` + 1. */
  reset(top: number): void {
    this.entries = [];
    this.start = 0;
    this.bytes = 0;
    this.highest = top;
  }

  /** Whether pushing `bytes` more would push out an entry above this offset. */
  wouldEvict(bytes: number, above: number): boolean {
    const { entriesMax, bytesMax } = this.options;
    const isFull = this.length + 1 > entriesMax || this.bytes + bytes > bytesMax;
    return isFull && this.length > 0 && this.floor >= above;
  }

  push(entry: Entry): void {
    this.entries.push(entry);
    this.highest = entry.offset;
    this.bytes += entry.binary.length;
    while (this.length > this.options.entriesMax || this.bytes > this.options.bytesMax) {
      const oldest = this.entries[this.start];
      if (oldest === undefined) break;
      this.bytes -= oldest.binary.length;
      this.start += 1;
    }
    // Moving the rest down once per capacity keeps a push at constant cost.
    if (this.start > this.options.entriesMax) {
      this.entries = this.entries.slice(this.start);
      this.start = 0;
    }
  }

  /** Undefined when it is not here (any more). */
  at(offset: number): Entry | undefined {
    return offset > this.floor ? this.entries[this.start + offset - this.floor - 1] : undefined;
  }

  /** Entries with from < offset ≤ to; undefined when the ring does not reach back that far. */
  range(from: number, to: number): readonly Entry[] | undefined {
    if (from < this.floor) return undefined;
    const first = this.start + (from - this.floor);
    return this.entries.slice(first, first + Math.max(0, to - from));
  }

  /** Puts another push in place of those that `isHidden` picks; late joiners never see them. */
  hide(isHidden: (entry: Entry) => boolean, replacement: (entry: Entry) => Buffer): void {
    for (let at = this.start; at < this.entries.length; at += 1) {
      const entry = this.entries[at];
      if (entry === undefined || !isHidden(entry)) continue;
      const binary = replacement(entry);
      this.bytes += binary.length - entry.binary.length;
      this.entries[at] = { ...entry, kind: 'd', binary, json: undefined };
    }
  }
}

/** The entry as JSON, made once. */
export function entryJson(entry: Entry): string {
  entry.json ??= JSON.stringify(unpackValues(entry.binary)[0]);
  return entry.json;
}
