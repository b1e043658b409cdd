// Reliable messages of the backend on their way to a place in the sequence: what is said in one
// channel within one turn of the event loop shares a script call, as messages of clients do. A
// script call costs Redis about 12 µs and each worker a packet; a further message in it 1.5 µs.
// Invariant: messages of a channel keep the order in which they were added.
import { coerceError, type RedisClient } from '../cluster/index.js';
import { channelKeys } from './channel-keys.js';
import type { Tail } from './packet.js';
import { limits } from './protocol/index.js';
import { messageFlags, sequenceBatch, type SequenceVerdict } from './scripts.js';

export interface PublishQueueOptions {
  readonly redis: RedisClient;
  readonly historyMax: number;
  readonly historyTtlSec: number;
  /** For a channel that begins anew. */
  readonly newEpoch: () => string;
}

export interface PublishMessage {
  readonly mid: string;
  readonly tail: Tail;
}

export interface Sequenced {
  readonly epoch: string;
  readonly verdict: SequenceVerdict | undefined;
}

export interface PublishQueue {
  /** Rejects as the script call does that carries the message. */
  add(channel: string, message: PublishMessage): Promise<Sequenced>;
  /** Sends now what waits for a channel, so that something else can follow it. */
  flush(channel: string): void;
}

interface Waiting extends PublishMessage {
  readonly resolve: (sequenced: Sequenced) => void;
  readonly reject: (error: Error) => void;
}

/** As many as the sequencer of a worker takes: about 100 µs of Redis. */
const BATCH_MAX = 64;

export function createPublishQueue(options: PublishQueueOptions): PublishQueue {
  const channels = new Map<string, Waiting[]>();

  function flush(channel: string): void {
    const waiting = channels.get(channel) ?? [];
    channels.delete(channel);
    for (let at = 0; at < waiting.length; at += BATCH_MAX) {
      void sequence(options, channel, waiting.slice(at, at + BATCH_MAX));
    }
  }

  function flushAll(): void {
    for (const channel of [...channels.keys()]) flush(channel);
  }

  return {
    flush,
    add: (channel, message) =>
      new Promise((resolve, reject) => {
        const waiting = channels.get(channel);
        const one = { resolve, reject, ...message };
        if (waiting !== undefined) {
          waiting.push(one);
          return;
        }
        if (channels.size === 0) setImmediate(flushAll);
        channels.set(channel, [one]);
      }),
  };
}

async function sequence(
  { redis, historyMax, historyTtlSec, newEpoch }: PublishQueueOptions,
  channel: string,
  batch: readonly Waiting[],
): Promise<void> {
  try {
    const { epoch, verdicts } = await sequenceBatch.run(redis, {
      keys: channelKeys(channel),
      nowMs: 0,
      newEpoch: newEpoch(),
      knownEpoch: '',
      knownTop: 0,
      historyMax,
      historyTtlSec,
      midTtlMs: limits.midTtlMs,
      settingsVersion: '',
      messages: batch.map(({ mid, tail }) => {
        return { sender: '', mid, flags: messageFlags.checkFree, textHash: '', tail };
      }),
    });
    for (const [at, one] of batch.entries()) one.resolve({ epoch, verdict: verdicts[at] });
  } catch (thrown) {
    for (const one of batch) one.reject(coerceError(thrown));
  }
}
