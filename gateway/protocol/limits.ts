// Sizes that both ends of rt1 keep to. The server refuses what is larger; clients need not probe.

export const limits = {
  /** A larger frame ends the connection: the transport refuses it before it is buffered whole. */
  frameBytesMax: 16_384,
  /**
   * A frame that comes with the handshake: as base64url it leaves half of the 4,096 bytes that the
   * server takes as request head to cookies and the like.
   */
  firstFrameBytesMax: 1_536,
  /** Commands in one frame from a client. */
  commandsPerFrameMax: 20,
  /** Nested arrays and maps in one frame from a client. */
  depthMax: 8,
  channelLengthMax: 64,
  midLengthMax: 64,
  /** Of the name of a held message. */
  heldLengthMax: 96,
  tokenLengthMax: 2_048,
  /** Channels that one connection may be subscribed to. */
  subscriptionsMax: 64,
  /** Messages sent on a first subscribe. */
  backlogMax: 50,
  /** Messages in one answer to `hist`. */
  historyPageMax: 100,
  /** People named in one answer to `pres`. */
  presenceMax: 100,
  /** Messages of a room that can wait for a moderator at a time. */
  heldMax: 200,
  /** A server that has not got a valid `connect` by then closes with 4102. */
  connectDeadlineMs: 10_000,
  /** A client that hears nothing for this long sends `ping`. */
  quietMs: 25_000,
  /** … and reconnects when it then hears nothing for this long. */
  pongDeadlineMs: 8_000,
  /** How long a `mid` is remembered: a repeat within this time is the same message. */
  midTtlMs: 300_000,
} as const;

const CHANNEL = /^[a-z]+(:[A-Za-z0-9_.:-]+)?$/;

/** `lobby`, `room:<id>`, `user:<id>`: a lower-case namespace and, after a colon, an id. */
export function isChannelName(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= limits.channelLengthMax && CHANNEL.test(value)
  );
}

/** The part before the colon; bounded in number, so it may be a metric label. */
export function channelNamespace(channel: string): string {
  const colon = channel.indexOf(':');
  return colon < 0 ? channel : channel.slice(0, colon);
}

/** The part after the colon, or ''. */
export function channelId(channel: string): string {
  const colon = channel.indexOf(':');
  return colon < 0 ? '' : channel.slice(colon + 1);
}
