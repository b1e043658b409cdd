// How the processes of the fleet tell each other that something happened. Implementations:
// bus-memory.ts (one process), bus-redis.ts; both pass testing/bus-contract.ts, which is this text
// as tests.

/** Stops the delivery to one subscriber; resolved means that its handlers are not called again. */
export type Unsubscribe = () => Promise<void>;

export interface SubscribeOptions {
  /** Messages on the topic may have been lost; from now on none is, until the next call. */
  readonly onGap?: (topic: string) => void;
}

/**
 * Topics are names of 1…200 visible ASCII characters; payloads are bytes, up to 1 MiB, unaltered.
 *
 * What is promised:
 * - **At most once.** A message reaches each subscriber once or not at all, never twice.
 * - **In order.** Messages of one publisher on one topic arrive in the order of the calls of
 *   publish().
 *   Between publishers and between topics there is no order, nor around a move of the topic's slot.
 * - **Complete between gaps.** When subscribe() has resolved, every message whose publish()
 *   starts later, in any process, arrives, unless the link was lost. Then `onGap` is called, once
 *   per loss, when the topic is whole again and before its next message. So: subscribe, then read
 *   the source of truth; on a gap read it again. What must not be lost belongs in a store, the bus
 *   only says "look".
 * - **To all.** Every subscriber gets every message, also one of the process that published it.
 * - publish() resolves when the message was handed to the broker: nobody needs to have been
 *   listening.
 *
 * Handlers are called one at a time, never from within publish() or subscribe(). One that throws is
 * logged and does not keep others from getting the message.
 */
export interface Bus {
  /**
   * @throws AppError BUS_AWAY within about 1 s when the broker cannot be reached (not delivered) or
   * did not answer (delivered or not); BUS_MESSAGE for a broken topic or an oversized payload;
   * BUS_CLOSED.
   */
  publish(topic: string, payload: Uint8Array | string): Promise<void>;
  /**
   * Several subscribers of one topic share one subscription at the broker. While the broker is away
   * it waits.
   * @param onMessage gets bytes that belong to it.
   * @throws AppError BUS_MESSAGE for a broken topic; BUS_CLOSED.
   */
  subscribe(
    topic: string,
    onMessage: (payload: Buffer, topic: string) => void,
    options?: SubscribeOptions,
  ): Promise<Unsubscribe>;
  /** Ends all subscriptions and connections. Idempotent. */
  close(): Promise<void>;
}

export const TOPIC_PATTERN = /^[!-~]{1,200}$/;
export const PAYLOAD_BYTES_MAX = 1024 * 1024;
