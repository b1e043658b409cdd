// A client that keeps to none of the reference client's manners: it sends what a test says, when it
// says so, and keeps every answer.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until, type TestScope } from '../../cluster/testing/index.js';
import { isFields, type Fields } from '../protocol/index.js';
import { connectToken } from './worker-harness.js';

export interface RawClient {
  /** Everything that has come, in order. */
  readonly got: unknown[];
  readonly closed: Promise<number>;
  /** Sends a command and resolves with its reply. */
  call(command: Fields): Promise<Fields>;
  /** Sends commands in one frame; resolves with their replies. */
  callAll(commands: readonly Fields[]): Promise<Fields[]>;
  /** Resolves with the first control message of a kind. */
  told(p: string): Promise<Fields>;
  close(): void;
}

export async function openRaw(t: TestScope, url: string): Promise<RawClient> {
  const socket = new WebSocket(url, ['rt1.json']);
  t.teardown(() => socket.terminate());
  const got: unknown[] = [];
  let count = 0;
  const closed = once(socket, 'close').then(([code]) => code as number);
  socket.on('message', (data: Buffer) => got.push(...(JSON.parse(data.toString()) as unknown[])));
  await once(socket, 'open');
  const find = (name: string, value: unknown): Promise<Fields> =>
    until(() => got.find((one): one is Fields => isFields(one) && one[name] === value) ?? false, {
      what: `${name} ${String(value)}`,
    });
  const callAll = (commands: readonly Fields[]): Promise<Fields[]> => {
    const numbered = commands.map((command) => ({ ...command, i: (count += 1) }));
    socket.send(JSON.stringify(numbered));
    return Promise.all(numbered.map(({ i }) => find('i', i)));
  };
  return {
    ...{ got, closed, callAll },
    call: async (command) => (await callAll([command]))[0] ?? {},
    told: (p) => find('p', p),
    close: () => socket.close(),
  };
}

/** … that has connected. */
export async function connectRaw(t: TestScope, url: string, sub: string): Promise<RawClient> {
  const client = await openRaw(t, url);
  await client.call({ c: 'connect', token: connectToken(sub) });
  return client;
}

/** The code of an error reply; 'ok' for any other. */
export function codeIn({ e }: Fields): unknown {
  return Array.isArray(e) ? e[0] : 'ok';
}

/** The ticket to come back with, of the reply to `sub`. */
export function resumeIn({ r }: Fields): string {
  return isFields(r) && typeof r['resume'] === 'string' ? r['resume'] : '';
}
