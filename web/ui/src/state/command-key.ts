// The idempotency key of the command that a form or dialog gives next. Used wherever credits move.
// Invariant: while nobody knows whether a command was done, the same wish keeps its key; what was
// done or refused has used its key up, and another wish is another command.
import { isRefused, toProblem } from '../api/problem.js';

export class CommandKey {
  private key = crypto.randomUUID();
  private about = '';

  renew(): void {
    this.key = crypto.randomUUID();
  }

  /** @param about everything that makes the wish */
  async use<T>(about: string, send: (key: string) => Promise<T>): Promise<T> {
    if (about !== this.about) this.renew();
    this.about = about;
    try {
      const answer = await send(this.key);
      this.renew();
      return answer;
    } catch (thrown) {
      if (isRefused(toProblem(thrown))) this.renew();
      throw thrown;
    }
  }
}
