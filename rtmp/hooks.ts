// HTTP client for the hooks in the nginx-rtmp dialect: same members, same order, same reading of
// the answer. Used by SessionHooks and DoneQueue. A missing, late or odd answer is `failed`, never
// an accept.

import http from 'node:http';
import https from 'node:https';
import { coerceError } from '../cluster/index.js';
import type { IngestMetrics } from './metrics.js';
import type { HookTarget } from './ports.js';

/** The `call` values of nginx-rtmp. */
export type HookCall =
  | 'connect'
  | 'publish'
  | 'play'
  | 'update_publish'
  | 'update_play'
  | 'publish_done'
  | 'play_done'
  | 'done'
  | 'record_done'
  | 'disconnect';

export interface HookRequest {
  readonly call: HookCall;
  /** Members in the order in which they are sent. */
  readonly members: Readonly<Record<string, string | number>>;
  /** Query arguments of the client's stream name, appended as they are. */
  readonly args: string;
}

/** 2xx accept, 3xx redirect, 4xx deny; `failed` is everything else, and no answer at all. */
export type HookVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'deny'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export interface HookClientOptions {
  readonly target: HookTarget;
  /** For the whole call, ms. */
  readonly timeoutMs: number;
  readonly metrics: IngestMetrics;
}

const VALUE_MAX = 256;
const ANSWER_BYTES_MAX = 4_096;
const REASON_MAX = 120;
/**
 * An idle connection goes before the usual servers close it (5 to 10 s), or a call might meet the
 * closing.
 */
const AGENT_OPTIONS = { keepAlive: true, maxSockets: 128, timeout: 4_000 } as const;

const PATHS: Readonly<Record<HookCall, string>> = {
  connect: 'on_connect',
  publish: 'on_publish',
  play: 'on_play',
  update_publish: 'on_update',
  update_play: 'on_update',
  publish_done: 'on_publish_done',
  play_done: 'on_play_done',
  done: 'on_done',
  record_done: 'on_record_done',
  disconnect: 'on_disconnect',
};

export class HookClient {
  readonly #options: HookClientOptions;
  readonly #agents = {
    'http:': new http.Agent(AGENT_OPTIONS),
    'https:': new https.Agent(AGENT_OPTIONS),
  };

  constructor(options: HookClientOptions) {
    this.#options = options;
  }

  /** One call, with one more try when it failed. The callee tells repeats by the session id. */
  async ask(request: HookRequest): Promise<HookVerdict> {
    const first = await this.call(request);
    return first.kind === 'failed' ? this.call(request) : first;
  }

  /** One call. Never rejects. */
  async call(request: HookRequest): Promise<HookVerdict> {
    const { metrics } = this.#options;
    const stopTimer = metrics.hookSeconds.startTimer({ call: request.call });
    const verdict = await this.#post(request).catch((thrown: unknown): HookVerdict => {
      return { kind: 'failed', reason: coerceError(thrown).message };
    });
    stopTimer();
    metrics.hookCalls.inc({ call: request.call, outcome: verdict.kind });
    return verdict;
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #post(request: HookRequest): Promise<HookVerdict> {
    const base = this.#options.target.url();
    if (base === undefined) return { kind: 'failed', reason: 'no hook server is known' };
    const url = new URL(`${base.replace(/\/+$/, '')}/${PATHS[request.call]}`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      return { kind: 'failed', reason: 'the hook address is not http or https' };
    }
    const body = encodeForm(request);
    const { request: open } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const call = open(url, {
        method: 'POST',
        agent: this.#agents[url.protocol as 'http:' | 'https:'],
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
        },
        signal: AbortSignal.timeout(this.#options.timeoutMs),
      });
      call.on('error', reject);
      call.on('response', (answer) => {
        readText(answer).then((text) => resolve(judge(answer, text)), reject);
      });
      call.end(body);
    });
  }
}

/**
 * The body as nginx-rtmp writes it: values cut at 256 bytes (keys and paths at 1,024), the client's
 * own arguments raw behind them.
 */
export function encodeForm(request: HookRequest): string {
  const pairs = Object.entries(request.members).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value).slice(0, lengthMax(name)))}`,
  );
  // Raw, but only characters that a query may have: nothing may break out of the body or the next
  // parser.
  const args = request.args.replace(/[^\x21-\x7e]/g, '').slice(0, 2 * VALUE_MAX);
  return args === '' ? pairs.join('&') : `${pairs.join('&')}&${args}`;
}

/** A key or a path that is cut is another one: those two are bounded where they are made. */
function lengthMax(name: string): number {
  return name === 'name' || name === 'path' ? 4 * VALUE_MAX : VALUE_MAX;
}

async function readText(answer: http.IncomingMessage): Promise<string> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const part of answer) {
    text += String(part);
    if (text.length > ANSWER_BYTES_MAX) throw new Error('the hook answer is too long');
  }
  return text;
}

/** Only the first digit of the status counts, as in nginx-rtmp. */
function judge(answer: http.IncomingMessage, text: string): HookVerdict {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'accept' };
  const { location } = answer.headers;
  if (status >= 300 && status < 400) {
    return location === undefined || location === ''
      ? { kind: 'failed', reason: `status ${status} without Location` }
      : { kind: 'redirect', location };
  }
  const reason = readReason(text);
  if (status >= 400 && status < 500) return { kind: 'deny', reason: reason ?? 'not allowed' };
  return { kind: 'failed', reason: `status ${status}` };
}

/**
 * A sentence for the person at the encoder: `{"error":{"message"}}`, `{"message"}`, or short plain
 * text.
 */
function readReason(text: string): string | undefined {
  const found = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  if (/[<{]/.test(found)) return undefined;
  const clean = found.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return clean === '' ? undefined : clean.slice(0, REASON_MAX);
}
