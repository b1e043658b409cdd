// How the rest of the backend says something in a channel: straight to Redis, no gateway has to be
// alive. Invariant: a reliable publish that resolved has its place in the sequence; repeating its
// mid is harmless.
import { assert, coerceError, randomId, type Logger, type RedisClient } from '../cluster/index.js';
import { channelKeys } from './channel-keys.js';
import { gatewayError } from './errors.js';
import { packTail, packVolatile, type Tail } from './packet.js';
import { isChannelName, type Body, type MessageKind } from './protocol/index.js';
import { createPublishQueue } from './publish-queue.js';
import { setLatest } from './scripts.js';

export type PublishRequest = {
  readonly kind: MessageKind;
  readonly body: Body;
} & (
  | {
      /** Chat, tips, moderation, notifications: in order, replayed after a gap. */
      readonly cls: 'reliable';
      /** The same mid within 5 minutes is the same message. Default: a new one. */
      readonly mid?: string;
    }
  | {
      /** Balance, viewer count: only the newest value counts. */
      readonly cls: 'latest';
      /** Default: the kind. */
      readonly key?: string;
      /** A value whose version is not above the stored one is ignored. Default: the time. */
      readonly version?: number;
    }
  | { readonly cls: 'volatile' }
);

export type PublishOutcome =
  | {
      readonly cls: 'reliable';
      readonly epoch: string;
      readonly offset: number;
      readonly isRepeat: boolean;
    }
  | { readonly cls: 'latest'; readonly isWritten: boolean; readonly version: number }
  | { readonly cls: 'volatile' };

export interface Publisher {
  /**
   * @throws AppError GATEWAY_CHANNEL_INVALID; GATEWAY_BAD_REQUEST for a body of more than 64 KiB;
   * GATEWAY_REDIS_AWAY after 5 s at most
   */
  publish(channel: string, request: PublishRequest): Promise<PublishOutcome>;
}

export interface PublisherOptions {
  /** Realtime Redis, role `command`. */
  readonly redis: RedisClient;
  readonly log: Logger;
  /** Default 1,000 messages. */
  readonly historyMax?: number;
  /** Default a day. */
  readonly historyTtlSec?: number;
}

/** Of a packed message: what fills a ring or a reader's buffer alone reaches nobody in time. */
const MESSAGE_BYTES_MAX = 65_536;

/** A fresh epoch: unique enough that two never meet in one channel. */
export function newEpoch(): string {
  return randomId(6);
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { redis, log, historyMax = 1_000, historyTtlSec = 86_400 } = options;

  const queue = createPublishQueue({ redis, historyMax, historyTtlSec, newEpoch });

  async function run(
    channel: string,
    request: PublishRequest,
    { mid, tail }: { readonly mid: string; readonly tail: Tail },
  ): Promise<PublishOutcome> {
    const keys = channelKeys(channel);
    // What was said before, in whatever class, comes before.
    if (request.cls !== 'reliable') queue.flush(channel);
    if (request.cls === 'volatile') {
      await redis.spublish(keys.feed, packVolatile(Date.now(), tail));
      return { cls: 'volatile' };
    }
    if (request.cls === 'latest') {
      const { key = request.kind, version } = request;
      const args = { keys, nowMs: 0, key, version, ttlSec: historyTtlSec, tail };
      return { cls: 'latest', ...(await setLatest.run(redis, args)) };
    }
    const { epoch, verdict } = await queue.add(channel, { mid, tail });
    assert(verdict?.is === 'accepted', 'the backend is not moderated');
    return { cls: 'reliable', epoch, offset: verdict.offset, isRepeat: verdict.isRepeat };
  }

  return {
    async publish(channel, request) {
      if (!isChannelName(channel)) throw gatewayError('GATEWAY_CHANNEL_INVALID', { channel });
      const message = pack(request);
      if (message.tail.length > MESSAGE_BYTES_MAX) {
        const problem = `a message has at most ${MESSAGE_BYTES_MAX} bytes`;
        throw gatewayError('GATEWAY_BAD_REQUEST', { problem });
      }
      try {
        return await run(channel, request, message);
      } catch (thrown) {
        const error = coerceError(thrown);
        if (error.name === 'AssertionError') throw error;
        log.warn({ event: 'publish.failed', kind: request.kind, err: error });
        throw gatewayError('GATEWAY_REDIS_AWAY', {}, error);
      }
    },
  };
}

function pack(request: PublishRequest): { mid: string; tail: Tail } {
  const { cls, kind, body } = request;
  if (cls !== 'reliable') return { mid: '', tail: packTail(kind, body) };
  const mid = request.mid ?? randomId(12);
  return { mid, tail: packTail(kind, body, mid) };
}
