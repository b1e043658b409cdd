// What calls of the client library reject with.
import type { ErrorCode, ErrorTuple } from '../protocol/index.js';

/** Server reasons, and those that arise on this side. */
export type RealtimeErrorCode = ErrorCode | 'timeout' | 'closed' | 'queue_full';

export class RealtimeError extends Error {
  constructor(
    readonly code: RealtimeErrorCode,
    message: string,
    /** For reasons that pass by themselves: when to try again. */
    readonly retryMs?: number,
  ) {
    super(message);
    this.name = 'RealtimeError';
  }

  static fromTuple([code, message, retryMs]: ErrorTuple): RealtimeError {
    return new RealtimeError(code, message, retryMs);
  }
}
