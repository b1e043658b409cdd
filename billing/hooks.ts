// Hooks in nginx-rtmp's dialect: what each call means and what is answered. Pure of HTTP; http.ts
// feeds it. Invariant: always an answer of 2xx, 3xx or 4xx with a body. nginx-rtmp kills a stream
// over a 5xx or an empty answer, so when we do not know, paying viewers stay and strangers do not
// get in.
import { createHash } from 'node:crypto';
import { coerceError, type Logger } from '../cluster/index.js';
import type { BillingMetrics } from './metrics.js';
import type { FailOpen } from './fail-open.js';
import type { PlayTokens } from './play-tokens.js';
import type { Publishers } from './publishers.js';
import type { TouchSource } from './scripts.js';
import { isFree, type TermsStore } from './terms.js';
import { TemporaryKeys } from './temporary-keys.js';
import type { TouchQueue } from './touch-queue.js';

export interface HookAnswer {
  readonly status: 200 | 302 | 403 | 404;
  readonly body: string;
  readonly location?: string;
}

export interface HooksOptions {
  readonly terms: TermsStore;
  readonly publishers: Publishers;
  readonly touches: TouchQueue;
  readonly tokens: PlayTokens;
  readonly temporaryKeys: TemporaryKeys;
  readonly failOpen: FailOpen;
  readonly metrics: BillingMetrics;
  readonly log: Logger;
}

export type HookParams = ReadonlyMap<string, string>;

const ACCEPT: HookAnswer = { status: 200, body: 'ok\n' };
const deny = (reason: string): HookAnswer => ({ status: 403, body: `${reason}\n` });

const SHOW_IS_OVER = deny('the time limit of the show is reached');

/** Play connections that this process has counted, so that play_done and a repeat count once. */
const PLAYS_MAX = 100_000;

export class NginxRtmpHooks {
  private readonly plays = new Set<string>();

  constructor(private readonly options: HooksOptions) {}

  /**
   * @param path last part of the address, such as `on_update`
   * @param peer address that called; names the node when the caller does not
   */
  async handle(path: string, params: HookParams, peer: string): Promise<HookAnswer> {
    const call = params.get('call') ?? path.replace(/^on_/, '');
    const known = HANDLERS[path === 'on_update' ? call : path.replace(/^on_/, '')];
    if (known === undefined) return { status: 404, body: 'no such hook\n' };
    const stop = this.options.metrics.hookSeconds.startTimer();
    let answer: HookAnswer;
    try {
      answer = await known(this, params, peer);
    } catch (thrown) {
      this.options.log.warn({ event: 'hook.failed', call, err: coerceError(thrown) });
      answer = deny('billing cannot decide');
    }
    stop();
    this.options.metrics.hooks.inc({ call, answer: String(answer.status) });
    return answer;
  }

  async publish(params: HookParams, peer: string): Promise<HookAnswer> {
    const name = params.get('name') ?? '';
    const { session, node } = identity(params, peer);
    const streamId = name === '' ? undefined : await this.streamOfNew(name, session);
    if (streamId === undefined) return deny('unknown stream key');
    // Servers that cannot rename say what they will call the stream.
    if ((params.get('stream') ?? streamId) !== streamId) {
      return deny('the stream key is for another stream');
    }
    // Sound that is put beside the stream's own by our node: who owns the key may, and that is all.
    if (isLanguage(params)) return renamed(streamId);
    const publisher = { streamId, session, node };
    if (await this.options.publishers.isOver(streamId)) return SHOW_IS_OVER;
    const isClaimed = await this.options.publishers.claim(publisher, params.get('replaces'));
    if (!isClaimed) return deny('the stream is published already');
    return renamed(streamId);
  }

  async updatePublish(params: HookParams, peer: string): Promise<HookAnswer> {
    try {
      const { session, node } = identity(params, peer);
      const streamId = await this.streamOfUpdate(params.get('name') ?? '', session);
      if (streamId === undefined) return deny('the stream key was replaced');
      if (isLanguage(params)) return ACCEPT;
      if (await this.options.publishers.isOver(streamId)) return SHOW_IS_OVER;
      const isOurs = await this.options.publishers.touch({ streamId, session, node });
      return isOurs ? ACCEPT : deny('the stream was taken over');
    } catch (thrown) {
      // A publisher is never ended over our own outage.
      this.options.log.warn({ event: 'hook.publisher_unchecked', err: coerceError(thrown) });
      return ACCEPT;
    }
  }

  async publishDone(params: HookParams, peer: string): Promise<HookAnswer> {
    const name = params.get('name') ?? '';
    const { terms, temporaryKeys } = this.options;
    const { session } = identity(params, peer);
    if (isLanguage(params)) return ACCEPT;
    const streamId = TemporaryKeys.is(name)
      ? await temporaryKeys.streamOf(name, session)
      : ((await terms.byStream(name))?.streamId ?? (await terms.streamOfAnyKey(hashOfKey(name))));
    if (streamId !== undefined) await this.options.publishers.release(streamId, session);
    return ACCEPT;
  }

  async play(params: HookParams, peer: string): Promise<HookAnswer> {
    const { terms, tokens } = this.options;
    const room = await terms.byStream(params.get('name') ?? '');
    if (room === undefined || !room.isActive) return deny('unknown stream');
    const token = params.get('token');
    if (token === undefined) {
      return isFree(room) ? ACCEPT : deny('a play token is needed');
    }
    const verified = tokens.verify(token);
    if (!verified.ok) return deny(`the play token is ${verified.reason}`);
    const { claims } = verified;
    // Another media server or a transcoder: its viewers are billed where they watch.
    if (claims.relay === true) return ACCEPT;
    if (claims.room !== room.roomId) return deny('the play token is for another room');
    if (isFree(room)) return ACCEPT;
    if (claims.bill === undefined) return deny('the play token is not for a paid show');
    return this.touchPlay(claims.bill, this.countPlay(params, peer) ? 'p' : 'r');
  }

  async updatePlay(params: HookParams): Promise<HookAnswer> {
    const sessionId = this.paidSession(params);
    if (sessionId !== undefined) return this.touchPlay(sessionId, 'r');
    // Free when it began; since then the price may have changed.
    const { terms } = this.options;
    const room = await terms.byStream(params.get('name') ?? '').catch(() => undefined);
    return room === undefined || isFree(room) || this.isRelay(params)
      ? ACCEPT
      : deny('the show is paid now');
  }

  async playDone(params: HookParams, peer: string): Promise<HookAnswer> {
    const sessionId = this.paidSession(params);
    if (sessionId !== undefined) {
      const wasCounted = this.plays.delete(playKey(params, peer));
      await this.touchPlay(sessionId, wasCounted ? 'q' : 'r');
    }
    return ACCEPT;
  }

  private async touchPlay(sessionId: string, source: TouchSource): Promise<HookAnswer> {
    const { touches, failOpen } = this.options;
    try {
      const { verdict, reason } = await touches.touch(sessionId, source);
      failOpen.succeeded(sessionId);
      if (verdict === 'ok' || verdict === 'warn') return ACCEPT;
      return deny(`the paid session is over: ${reason ?? verdict}`);
    } catch {
      // Not known whether it may go on; the next update charges the time in between.
      return failOpen.mayPass(sessionId) ? ACCEPT : deny('billing is away');
    }
  }

  /**
   * The session in the play arguments. Also of a token that has expired since: it was good at the
   * start.
   */
  private paidSession(params: HookParams): string | undefined {
    const token = params.get('token');
    if (token === undefined) return undefined;
    const verified = this.options.tokens.verify(token);
    return verified.ok ? verified.claims.bill : undefined;
  }

  private isRelay(params: HookParams): boolean {
    const verified = this.options.tokens.verify(params.get('token') ?? '');
    return verified.ok && verified.claims.relay === true;
  }

  private countPlay(params: HookParams, peer: string): boolean {
    const key = playKey(params, peer);
    if (this.plays.has(key) || this.plays.size >= PLAYS_MAX) return false;
    this.plays.add(key);
    return true;
  }

  private streamOfNew(name: string, session: string): Promise<string | undefined> {
    const { temporaryKeys } = this.options;
    return TemporaryKeys.is(name) ? temporaryKeys.claim(name, session) : this.streamOf(name);
  }

  private streamOf(key: string): Promise<string | undefined> {
    return this.options.terms.streamOfKey(hashOfKey(key));
  }

  /** After the rename updates carry the stream id; some servers go on sending the key. */
  private async streamOfUpdate(name: string, session: string): Promise<string | undefined> {
    const { temporaryKeys } = this.options;
    if (TemporaryKeys.is(name)) return temporaryKeys.streamOf(name, session);
    if (name.startsWith('sk_')) return this.streamOf(name);
    return (await this.options.terms.byStream(name))?.streamId ?? this.streamOf(name);
  }
}

/** Keys are stored and looked up by this alone. */
function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Only our own nodes keep a language apart from its stream. */
function isLanguage(params: HookParams): boolean {
  return params.has('lang') && params.has('session') && params.has('node');
}

function renamed(streamId: string): HookAnswer {
  return { status: 302, location: streamId, body: `${streamId}\n` };
}

type Handler = (hooks: NginxRtmpHooks, params: HookParams, peer: string) => Promise<HookAnswer>;

const accept: Handler = () => Promise.resolve(ACCEPT);

const HANDLERS: Readonly<Record<string, Handler>> = {
  connect: accept,
  disconnect: accept,
  publish: (hooks, params, peer) => hooks.publish(params, peer),
  play: (hooks, params, peer) => hooks.play(params, peer),
  update_publish: (hooks, params, peer) => hooks.updatePublish(params, peer),
  update_play: (hooks, params) => hooks.updatePlay(params),
  publish_done: (hooks, params, peer) => hooks.publishDone(params, peer),
  play_done: (hooks, params, peer) => hooks.playDone(params, peer),
  // Sent in addition to publish_done or play_done.
  done: accept,
  record_done: accept,
};

/**
 * Our own nodes send `session` and `node`; nginx-rtmp's clientid is unique only within its worker.
 */
function identity(params: HookParams, peer: string): { session: string; node: string } {
  const node = word(params.get('node') ?? `nginx-${peer}`);
  const clientId = `${node}/${params.get('addr') ?? ''}/${params.get('clientid') ?? ''}`;
  return { node, session: word(params.get('session') ?? clientId) };
}

function playKey(params: HookParams, peer: string): string {
  return identity(params, peer).session;
}

/** Without blanks and short, as the publisher scripts need it. */
function word(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, 128) || '-';
}
