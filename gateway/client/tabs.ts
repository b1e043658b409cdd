// Several tabs of one browser: one of them leads, and what only one should do (show a toast, play a
// sound) is done once. The leader asks who could do it and picks a tab that is looked at, itself
// among equals. Web Locks say who leads where there are any: the lock of a tab that dies passes on
// at once. Elsewhere tabs elect by messages, and a leader that is silent for a while is taken for
// dead. Where there is no BroadcastChannel every tab is alone.

export interface TabChannel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(note: unknown): void;
  close(): void;
}

/** What is used of Web Locks (`navigator.locks`). */
export interface TabLocks {
  request(
    name: string,
    options: { readonly signal: AbortSignal },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

export interface TabsOptions {
  /** Tabs with the same name belong together: those of one account. */
  readonly name: string;
  /** Whether the tab is looked at; default: its document is visible. */
  readonly isInSight?: () => boolean;
  /** Default: the global one. */
  readonly openChannel?: (name: string) => TabChannel | undefined;
  /** Default: `navigator.locks`; null = elect by messages. */
  readonly locks?: TabLocks | null;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
}

type Note =
  | { readonly is: 'hello' | 'bye'; readonly from: string }
  | { readonly is: 'lead'; readonly from: string; readonly bornMs: number }
  | {
      readonly is: 'want';
      readonly from: string;
      readonly what: string;
      readonly isInSight: boolean;
    }
  | { readonly is: 'done'; readonly from: string; readonly what: string; readonly by: string };

interface Bid {
  readonly from: string;
  readonly isInSight: boolean;
}

/** Who else could do it is asked for this long. */
const GATHER_MS = 150;
const CLAIM_MS = 200;
const BEAT_MS = 1_000;
/** Timers of tabs in the background run once a second. */
const SILENCE_MS = 3_500;
const KNOWN_MAX = 256;

export class Tabs {
  private readonly id: string;
  private readonly bornMs = Date.now();
  private readonly random: () => number;
  private readonly channel: TabChannel | undefined;
  private readonly locks: TabLocks | undefined;
  private readonly gone = new AbortController();
  private release: (() => void) | undefined;
  private leader: string | undefined;
  /** Until the next step of an election, or of being the leader. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting = new Map<string, () => void>();
  private readonly done = new Set<string>();
  /** Of the leader: who could do what. */
  private readonly bids = new Map<string, Bid[]>();
  private readonly gathering = new Set<ReturnType<typeof setTimeout>>();

  constructor(private readonly options: TabsOptions) {
    this.random = options.random ?? Math.random;
    this.id = `${this.bornMs.toString(36)}-${Math.floor(this.random() * 2 ** 48).toString(36)}`;
    this.channel = (options.openChannel ?? globalChannel())?.(options.name);
    this.locks = options.locks === undefined ? globalLocks() : (options.locks ?? undefined);
    if (this.channel === undefined) {
      this.leader = this.id;
      return;
    }
    this.channel.onmessage = ({ data }) => {
      if (isNote(data)) this.take(data);
    };
    if (this.locks === undefined) this.claim(CLAIM_MS);
    else this.queueForLock(this.locks);
  }

  get isLeader(): boolean {
    return this.leader === this.id;
  }

  /** Runs `work` in one of the tabs that ask for the same `what`; also when the leader dies. */
  once(what: string, work: () => void): void {
    if (this.gone.signal.aborted || this.done.has(what) || this.waiting.has(what)) return;
    if (this.channel === undefined) {
      this.remember(what);
      work();
      return;
    }
    this.waiting.set(what, work);
    this.want(what);
  }

  /** The tab leaves; another one leads. What it has not done yet the others do. */
  close(): void {
    if (this.gone.signal.aborted) return;
    if (this.isLeader) this.post({ is: 'bye', from: this.id });
    this.stepDown();
    this.gone.abort();
    this.release?.();
    clearTimeout(this.timer);
    this.waiting.clear();
    this.channel?.close();
  }

  private post(note: Note): void {
    this.channel?.postMessage(note);
  }

  private take(note: Note): void {
    switch (note.is) {
      case 'hello':
        if (this.isLeader) this.tellLead();
        return;
      case 'lead':
        this.hearLead(note.from, note.bornMs);
        return;
      case 'bye':
        if (this.leader !== note.from) return;
        this.leader = undefined;
        if (this.locks === undefined) this.claim(this.random() * CLAIM_MS);
        return;
      case 'want':
        if (this.isLeader) this.bid(note.what, note);
        return;
      case 'done':
        this.remember(note.what);
        if (note.by === this.id) this.waiting.get(note.what)?.();
        this.waiting.delete(note.what);
    }
  }

  // ---- who leads ----

  private queueForLock(locks: TabLocks): void {
    const held = (): Promise<void> =>
      new Promise((resolve) => {
        this.release = resolve;
        this.lead();
      });
    const { signal } = this.gone;
    locks.request(`leader of ${this.options.name}`, { signal }, held).catch(() => undefined);
    this.post({ is: 'hello', from: this.id });
  }

  /** Leads unless somebody says before that they do. */
  private claim(ms: number): void {
    this.post({ is: 'hello', from: this.id });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lead(), ms + this.random() * CLAIM_MS);
  }

  private lead(): void {
    if (this.gone.signal.aborted) return;
    this.leader = this.id;
    this.tellLead();
    for (const what of this.waiting.keys()) this.want(what);
  }

  private tellLead(): void {
    this.post({ is: 'lead', from: this.id, bornMs: this.bornMs });
    if (this.locks !== undefined) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellLead(), BEAT_MS);
  }

  private hearLead(from: string, bornMs: number): void {
    if (this.isLeader) {
      // Whoever has the lock leads; this was said by the one before.
      if (this.locks !== undefined) return;
      const isOlder = bornMs < this.bornMs || (bornMs === this.bornMs && from < this.id);
      if (!isOlder) {
        this.tellLead();
        return;
      }
      this.stepDown();
    }
    const isNew = this.leader !== from;
    this.leader = from;
    if (this.locks === undefined) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.claim(0), SILENCE_MS + this.random() * CLAIM_MS);
    }
    if (isNew) for (const what of this.waiting.keys()) this.want(what);
  }

  private stepDown(): void {
    for (const timer of this.gathering) clearTimeout(timer);
    this.gathering.clear();
    this.bids.clear();
    this.leader = undefined;
  }

  // ---- who does what ----

  private want(what: string): void {
    const isInSight = (this.options.isInSight ?? isVisible)();
    if (this.isLeader) this.bid(what, { from: this.id, isInSight });
    else this.post({ is: 'want', from: this.id, what, isInSight });
  }

  private bid(what: string, { from, isInSight }: Bid): void {
    if (this.done.has(what)) {
      this.post({ is: 'done', from: this.id, what, by: '' });
      return;
    }
    const bids = this.bids.get(what);
    if (bids !== undefined) {
      bids.push({ from, isInSight });
      return;
    }
    this.bids.set(what, [{ from, isInSight }]);
    // Once more behind what has come meanwhile: a late tab may hear only now that another leads.
    this.later(GATHER_MS, () => this.later(0, () => this.decide(what)));
  }

  /** Unless it is the leader no more by then. */
  private later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.gathering.delete(timer);
      work();
    }, ms);
    this.gathering.add(timer);
  }

  private decide(what: string): void {
    const bids = this.bids.get(what) ?? [];
    this.bids.delete(what);
    const inSight = bids.filter((one) => one.isInSight);
    const able = inSight.length > 0 ? inSight : bids;
    const chosen = able.find(({ from }) => from === this.id) ?? able[0];
    if (chosen === undefined) return;
    const work = this.waiting.get(what);
    this.waiting.delete(what);
    this.remember(what);
    this.post({ is: 'done', from: this.id, what, by: chosen.from });
    if (chosen.from === this.id) work?.();
  }

  private remember(what: string): void {
    this.done.add(what);
    if (this.done.size <= KNOWN_MAX) return;
    const [oldest] = this.done;
    if (oldest !== undefined) this.done.delete(oldest);
  }
}

/** Other scripts of the page may use the channel, too. */
function isNote(data: unknown): data is Note {
  if (typeof data !== 'object' || data === null || !('is' in data) || !('from' in data)) {
    return false;
  }
  const { is, from } = data;
  if (typeof from !== 'string') return false;
  if (is === 'hello' || is === 'bye') return true;
  if (is === 'lead') return 'bornMs' in data && typeof data.bornMs === 'number';
  if (!('what' in data) || typeof data.what !== 'string') return false;
  if (is === 'want') return 'isInSight' in data && typeof data.isInSight === 'boolean';
  return is === 'done' && 'by' in data && typeof data.by === 'string';
}

function globalChannel(): ((name: string) => TabChannel) | undefined {
  const { BroadcastChannel: Channel } = globalThis as {
    BroadcastChannel?: new (name: string) => unknown;
  };
  return Channel === undefined ? undefined : (name) => new Channel(name) as TabChannel;
}

function globalLocks(): TabLocks | undefined {
  const { navigator } = globalThis as { navigator?: { readonly locks?: TabLocks } };
  return navigator?.locks;
}

function isVisible(): boolean {
  const { document } = globalThis as { document?: { readonly visibilityState?: string } };
  return document?.visibilityState === 'visible';
}
