// Tells apart what a Redis server answered with an error. Used wherever a script or command may
// fail.

/** Predicates over errors that ioredis rejects with. */
export const ReplyError = {
  /** The script cache of this server does not hold the script. */
  isNoScript: (thrown: unknown): boolean => startsWith(thrown, 'NOSCRIPT'),
  /** The slot is moving and the call was refused before it did anything. */
  isTryAgain: (thrown: unknown): boolean => startsWith(thrown, 'TRYAGAIN'),
  /** Refused before the first write because memory is full. */
  isOutOfMemory: (thrown: unknown): boolean => startsWith(thrown, 'OOM'),
  /** The server itself answered; the command did run or was refused, nothing is in doubt. */
  isReply: (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'ReplyError',
} as const;

function startsWith(thrown: unknown, prefix: string): boolean {
  return thrown instanceof Error && thrown.message.startsWith(prefix);
}
