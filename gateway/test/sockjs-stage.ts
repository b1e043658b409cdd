// A SockJS listener with an echo behind it, and the ways in which the facts of the protocol ask it:
// ordinary requests, requests byte by byte, streams of which the beginning is looked at.
import { connect } from 'node:net';
import type { Test } from 'tap';
import type { Session } from '../session.js';

/** What holds, and what shows it. */
export type Fact = readonly [what: string, prove: (t: Test) => unknown];

export interface Asked {
  readonly body?: string;
  readonly origin?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer as it came over the line. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly text: string;
}

/** An answer or its beginning is there within this time. */
const ANSWER_MS = 30_000;

export class Stage {
  /** In the order in which they were opened. */
  readonly sessions: Session[] = [];
  port = 0;
  private ids = 0;

  nextId(): string {
    this.ids += 1;
    return `fact${this.ids}`;
  }

  /** Of a session that was never there. */
  path(): string {
    return `/000/${this.nextId()}`;
  }

  async ask(method: string, path: string, { body, origin, headers = {} }: Asked = {}) {
    const all = { ...headers, ...(origin === undefined ? {} : { origin }) };
    const answer = await fetch(`http://127.0.0.1:${this.port}/rt${path}`, {
      ...{ method, headers: all, signal: AbortSignal.timeout(ANSWER_MS) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** Sends these bytes; the answer ends with its declared length, its headers or the connection. */
  raw(bytes: string): Promise<RawAnswer> {
    return this.converse(bytes, ({ head, text }) => {
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      const isUpgrade = head.startsWith('HTTP/1.1 101');
      return isUpgrade || (length !== undefined && text.length >= Number(length));
    });
  }

  /** The beginning of an answer that may go on: up to `end`, or its headers. */
  first(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    version = '1.1',
    end = '',
  ): Promise<RawAnswer> {
    const lines = Object.entries({ host: 'x', 'content-length': '0', ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const bytes = `${method} /rt${path} HTTP/${version}\r\n${head}\r\n`;
    return this.converse(bytes, ({ text }) => text.includes(end));
  }

  assertCors(t: Test, headers: Headers, origin: string): void {
    t.equal(headers.get('access-control-allow-origin'), origin);
    t.equal(headers.get('access-control-allow-credentials'), 'true');
  }

  async assertOptions(t: Test, path: string, methods: string): Promise<void> {
    const { status, headers } = await this.ask('OPTIONS', path, {
      origin: 'http://a.b',
      headers: { 'access-control-request-headers': 'a, b, c' },
    });
    t.ok(status === 200 || status === 204);
    t.match(headers.get('cache-control'), /public/);
    t.match(headers.get('cache-control'), /max-age=[1-9][0-9]{6}/);
    t.ok(headers.get('expires'));
    t.ok(Number(headers.get('access-control-max-age')) > 1_000_000);
    t.equal(headers.get('access-control-allow-methods'), methods);
    t.equal(headers.get('access-control-allow-headers'), 'a, b, c');
    this.assertCors(t, headers, 'http://a.b');
  }

  private converse(bytes: string, isEnough: (answer: RawAnswer) => boolean): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      let got = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(bytes));
      const answer = (): RawAnswer | undefined => {
        const end = got.indexOf('\r\n\r\n');
        if (end < 0) return undefined;
        const head = got.slice(0, end);
        return { status: Number(head.split(' ')[1]), head, text: got.slice(end + 4) };
      };
      const done = (found: RawAnswer | undefined): void => {
        if (found === undefined) reject(new Error(`no answer: ${got}`));
        else resolve(found);
        socket.destroy();
      };
      socket.setTimeout(ANSWER_MS, () => done(undefined));
      socket.on('error', () => done(answer()));
      socket.on('close', () => done(answer()));
      socket.on('data', (data) => {
        got += data.toString('latin1');
        const found = answer();
        if (found !== undefined && isEnough(found)) done(found);
      });
    });
  }
}
