// The hooks of one session, in order: verdict, updates, done. Invariants: done is sent exactly once
// and only after an accept; at most one call is under way; the n-th update is due n intervals after
// the accept, however long answers take.

import type { Clock, Logger } from '../cluster/index.js';
import type { DoneLedger } from './done-ledger.js';
import type { DoneQueue } from './done-queue.js';
import type { HookCall, HookClient, HookRequest, HookVerdict } from './hooks.js';

/** What the client said, as nginx-rtmp names it. */
export interface HookClientInfo {
  readonly app: string;
  readonly flashver: string;
  readonly swfurl: string;
  readonly tcurl: string;
  readonly pageurl: string;
  readonly addr: string;
  readonly clientid: number;
}

export interface SessionHooksOptions {
  readonly hooks: HookClient;
  readonly doneQueue: DoneQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeId: string;
  readonly sessionId: string;
  readonly updateIntervalMs: number;
  /** Updates in a row that may fail before the session is ended; a deny ends it at once. */
  readonly updateFailuresMax: number;
}

export type SessionKind = 'publish' | 'play';

export interface UpdateListener {
  /** Last media timestamp of the session, ms. */
  timestampMs(): number;
  /** The back end wants the session ended, or has not answered for too long. */
  ended(reason: string): void;
}

export class SessionHooks {
  readonly #options: SessionHooksOptions;
  readonly #client: HookClientInfo;
  #kind: SessionKind = 'publish';
  #name = '';
  #args = '';
  #state: 'new' | 'asking' | 'accepted' | 'done' = 'new';
  #acceptedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(client: HookClientInfo, options: SessionHooksOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** What the client said of itself. */
  get client(): HookClientInfo {
    return this.#client;
  }

  /** Asks for the verdict on a connection (which gets no done, only `disconnect`). */
  connect(): Promise<HookVerdict> {
    const { clientid: _clientid, ...common } = this.#client;
    const epoch = this.#options.clock.nowMs() >>> 0;
    return this.#options.hooks.ask({
      call: 'connect',
      members: { ...common, epoch, call: 'connect', ...this.#ids() },
      args: '',
    });
  }

  /** Asks for the verdict on a publish or play. After accept or redirect, `done` is owed. */
  async ask(
    kind: SessionKind,
    options: {
      name: string;
      args: string;
      members: Readonly<Record<string, string | number>>;
    },
  ): Promise<HookVerdict> {
    this.#kind = kind;
    this.#name = options.name;
    this.#args = options.args;
    this.#state = 'asking';
    const verdict = await this.#options.hooks.ask(this.#request(kind, options.members));
    if (verdict.kind === 'accept' || verdict.kind === 'redirect') {
      this.#state = 'accepted';
      this.#acceptedAtMs = this.#options.clock.monotonicMs();
    } else {
      this.#state = 'done';
    }
    return verdict;
  }

  startUpdates(listener: UpdateListener): void {
    this.#schedule(listener, 1);
  }

  /**
   * Notes what will be owed should this node die. Under the public stream id: the key is not
   * written down. The events say that nobody saw the session end.
   */
  noteOwed(ledger: DoneLedger, streamId: string): void {
    if (this.#state !== 'accepted') return;
    const members = { reason: 'lease_expired' };
    const requests = this.#doneCalls().map((call) => this.#request(call, members, streamId));
    ledger.owe(this.#options.sessionId, requests);
  }

  /** The session is over. Does nothing unless a verdict was an accept and done was not sent yet. */
  done(): void {
    clearTimeout(this.#timer);
    if (this.#state !== 'accepted') return;
    this.#state = 'done';
    const { doneQueue, sessionId } = this.#options;
    const requests = this.#doneCalls().map((call) => this.#request(call, {}));
    // Behind an update that is under way, so that the back end never sees them swapped.
    doneQueue.push({ session: sessionId, requests, after: this.#underWay });
  }

  #schedule(listener: UpdateListener, count: number): void {
    const { updateIntervalMs, clock } = this.#options;
    const dueMs = this.#acceptedAtMs + count * updateIntervalMs;
    this.#timer = setTimeout(
      () => {
        const call = this.#update(listener).finally(() => {
          if (this.#state !== 'accepted') return;
          // An answer that took longer than an interval skips the missed ones.
          const passed = (clock.monotonicMs() - this.#acceptedAtMs) / updateIntervalMs;
          this.#schedule(listener, Math.max(count + 1, Math.ceil(passed)));
        });
        this.#underWay = call;
      },
      Math.max(0, dueMs - clock.monotonicMs()),
    );
  }

  async #update(listener: UpdateListener): Promise<void> {
    const { clock, hooks, log, sessionId, updateFailuresMax } = this.#options;
    const time = Math.round((clock.monotonicMs() - this.#acceptedAtMs) / 1000);
    const call: HookCall = this.#kind === 'publish' ? 'update_publish' : 'update_play';
    const verdict = await hooks.ask(
      this.#request(call, { time, timestamp: listener.timestampMs() }),
    );
    if (this.#state !== 'accepted') return;
    if (verdict.kind === 'deny') {
      listener.ended(verdict.reason);
    } else if (verdict.kind === 'failed') {
      this.#failures++;
      log.warn({ event: 'rtmp.update.failed', session: sessionId, reason: verdict.reason });
      if (this.#failures >= updateFailuresMax) listener.ended('the session cannot be checked');
    } else {
      this.#failures = 0;
    }
  }

  #doneCalls(): HookCall[] {
    return [this.#kind === 'publish' ? 'publish_done' : 'play_done', 'done'];
  }

  #ids(): Readonly<Record<string, string>> {
    return { session: this.#options.sessionId, node: this.#options.nodeId };
  }

  /** Members in nginx-rtmp's order, then ours. */
  #request(
    call: HookCall,
    members: Readonly<Record<string, string | number>>,
    name = this.#name,
  ): HookRequest {
    const { clientid, ...common } = this.#client;
    const isUpdate = call === 'update_publish' || call === 'update_play';
    const own = isUpdate ? { ...members, name } : { name, ...members };
    return {
      call,
      members: { ...common, clientid, call, ...own, ...this.#ids() },
      args: this.#args,
    };
  }
}
