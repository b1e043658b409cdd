// Something that may be away when a process starts: tried every second until it stands, so that
// pages are served meanwhile. Used for the realtime side; the database has its own way of coming
// and going.
import { coerceError, type Logger } from '../cluster/index.js';
import { siteError, type ErrorCode } from './errors.js';

const RETRY_MS = 1_000;

export interface Link<T> {
  /** Makes the first attempt and goes on in the background if it fails. Never rejects. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** @throws the error that the link was made with while it does not stand. */
  current(): T;
  isUp(): boolean;
}

export function createLink<T>(parts: {
  name: string;
  absence: ErrorCode;
  log: Logger;
  connect: () => Promise<T>;
  close: (connection: T) => Promise<void>;
}): Link<T> {
  const { name, absence, log, connect, close } = parts;
  let connection: T | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isDown = false;

  async function attempt(): Promise<void> {
    try {
      const made = await connect();
      if (isStopped) {
        await close(made);
        return;
      }
      connection = made;
      log.info({ event: 'link.up', link: name });
    } catch (thrown) {
      if (!isDown) log.warn({ event: 'link.down', link: name, err: coerceError(thrown) });
      isDown = true;
      if (!isStopped) retry = setTimeout(() => void attempt(), RETRY_MS);
    }
  }

  return {
    start: attempt,
    async stop() {
      isStopped = true;
      clearTimeout(retry);
      if (connection !== undefined) await close(connection);
      connection = undefined;
    },
    current() {
      if (connection === undefined) throw siteError(absence);
      return connection;
    },
    isUp: () => connection !== undefined,
  };
}
