// Requests of a site by autocannon, in a process of its own so that the server's CPU is the
// server's. A list of requests is walked once by all connections together, so that keys and
// signatures are sent once.
import autocannon, { type Request } from 'autocannon';
import { serveParent } from '../lib/node-child.js';

export interface SiteRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SiteLoadCalls {
  readonly fire: {
    readonly args: {
      readonly origin: string;
      /** Repeated from its start when it is shorter than `count`. */
      readonly requests: readonly SiteRequest[];
      readonly count: number;
      readonly connections: number;
    };
    readonly reply: {
      readonly answered: number;
      readonly ms: number;
      readonly latenciesMs: Float64Array;
      /** Answers other than 2xx by status, and `error` for those that never came. */
      readonly refused: Readonly<Record<string, number>>;
    };
  };
}

type Fire = SiteLoadCalls['fire'];

async function fire({
  origin,
  requests,
  count,
  connections,
}: Fire['args']): Promise<Fire['reply']> {
  let sent = 0;
  const setupRequest = (base: Request): Request => {
    const next = requests[sent % requests.length];
    sent += 1;
    return { ...base, ...next };
  };
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  const countOne = (what: string): void => void (refused[what] = (refused[what] ?? 0) + 1);
  const started = performance.now();
  const [only] = requests;
  if (only === undefined) throw new Error('nothing to ask');
  const what = requests.length === 1 ? { ...only } : { setupRequest };
  await new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      { url: origin, connections, amount: count, requests: [what] },
      (error: Error | null) => {
        if (error === null) resolve();
        else reject(error);
      },
    );
    instance.on('response', (_client, status, _bytes, ms) => {
      latencies.push(ms);
      if (status < 200 || status > 299) countOne(String(status));
    });
    instance.on('reqError', () => countOne('error'));
  });
  return {
    ...{ answered: latencies.length, ms: performance.now() - started, refused },
    latenciesMs: Float64Array.from(latencies),
  };
}

serveParent<SiteLoadCalls>({ fire });
