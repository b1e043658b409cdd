// WebSocket handshakes as a balancer or a hostile client would send them, on both listeners of a
// worker; for tests of who is let in.
import { WebSocket } from 'ws';
import type { TestScope } from '../../cluster/testing/index.js';
import type { TestWorker } from './worker-harness.js';

export const listeners = ['websocket', 'sockjs'] as const;
export type Listener = (typeof listeners)[number];

export interface Answer {
  /** 101 = open. */
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
  /** Undefined unless open. */
  readonly socket: WebSocket | undefined;
}

let sessionCount = 0;

/** Where a bare WebSocket reaches the listener. */
export function addressOf(worker: TestWorker, listener: Listener): string {
  if (listener === 'websocket') return worker.url;
  sessionCount += 1;
  return `${worker.sockjsUrl.replace('http', 'ws')}/000/s${sessionCount}/websocket`;
}

/** Resolves with what the server says; an open socket is closed by teardown. */
export function shake(
  t: TestScope,
  url: string,
  { headers = {}, origin }: { headers?: Record<string, string>; origin?: string } = {},
): Promise<Answer> {
  const options = origin === undefined ? { headers } : { headers, origin };
  // SockJS knows no sub-protocol.
  const socket = new WebSocket(url, url.includes('/rt/') ? [] : ['rt1.json'], options);
  t.teardown(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ status: 101, body: '', retryAfter: undefined, socket }));
    socket.once('error', reject);
    socket.once('unexpected-response', (_, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (body += part));
      const retryAfter = response.headers['retry-after'];
      const status = response.statusCode ?? 0;
      response.once('end', () => resolve({ status, body, retryAfter, socket: undefined }));
    });
  });
}

/** As a trusted proxy on this machine speaks for a client. */
export function forwarded(address: string): { headers: Record<string, string> } {
  return { headers: { 'x-forwarded-for': address } };
}
