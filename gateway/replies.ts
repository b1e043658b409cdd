// Replies and direct messages to single sockets: those of one tick share a frame.
import { joinForSend } from './frame-joiner.js';
import { packValue, type ErrorCode, type ServerMessage } from './protocol/index.js';
import { errorCodes } from './protocol/index.js';
import type { Session } from './session.js';

export class Replies {
  private readonly waiting = new Map<Session, ServerMessage[]>();

  /** `onRefused` is told about sockets whose buffer is full: a lost reply cannot be made up for. */
  constructor(private readonly onRefused: (session: Session) => void) {}

  send(session: Session, message: ServerMessage): void {
    if (session.isEnded) return;
    const known = this.waiting.get(session);
    if (known !== undefined) {
      known.push(message);
      return;
    }
    if (this.waiting.size === 0) queueMicrotask(() => this.flushAll());
    this.waiting.set(session, [message]);
  }

  fail(session: Session, i: number, code: ErrorCode, retryMs?: number): void {
    const { message } = errorCodes[code];
    this.send(session, {
      i,
      e: retryMs === undefined ? [code, message] : [code, message, retryMs],
    });
  }

  /** Sends what waits for one socket now, so that something else can follow it. */
  flush(session: Session): void {
    const messages = this.waiting.get(session);
    this.waiting.delete(session);
    if (messages === undefined || session.isEnded) return;
    const frame = session.isBinary
      ? joinForSend(messages.map(packValue))
      : JSON.stringify(messages);
    if (session.socket.send(frame) === 'dropped') this.onRefused(session);
  }

  private flushAll(): void {
    for (const session of [...this.waiting.keys()]) this.flush(session);
  }
}
