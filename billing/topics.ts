// Messages that billing exchanges with the other roles over the bus: topic names, forms, encoding.
// Delivery is at most once; whoever needs certainty asks billing (touch or GET session) again.
import type { EndReason } from './schema.js';

export const TOPICS = {
  /**
   * A paid session ended against the viewer's will; repeated until a medium confirms or 5 times.
   */
  cut: 'billing.cut',
  /** Media nodes drop the publisher of the stream. */
  kick: 'rtmp.kick',
  /** A stream went live or ended, told by the media nodes. */
  streamState: 'stream.state',
  /** Terms or stream keys changed; billing processes forget their cached rows. */
  terms: 'billing.terms',
} as const;

export interface CutMessage {
  readonly sessionId: string;
  readonly viewerId: string;
  readonly roomId: string;
  readonly reason: EndReason;
}

export interface KickMessage {
  readonly streamId: string;
  readonly reason: 'key_replaced' | 'taken_over' | 'ended_by_staff' | 'time_limit';
  /** Where set, only the publisher with this hook session is meant. */
  readonly session?: string;
}

export interface StreamStateMessage {
  readonly streamId: string;
  readonly state: 'live' | 'ended';
  readonly node: string;
}

/** @returns undefined when the payload is not such a message */
export function parseCutMessage(payload: Uint8Array | string): CutMessage | undefined {
  const fields = parseStrings(payload, ['sessionId', 'viewerId', 'roomId', 'reason']);
  return fields as CutMessage | undefined;
}

/** @returns undefined when the payload is not such a message */
export function parseKickMessage(payload: Uint8Array | string): KickMessage | undefined {
  return parseStrings(payload, ['streamId', 'reason']) as KickMessage | undefined;
}

/** @returns undefined when the payload is not such a message */
export function parseStreamStateMessage(
  payload: Uint8Array | string,
): StreamStateMessage | undefined {
  const fields = parseStrings(payload, ['streamId', 'state', 'node']);
  if (fields === undefined || !/^(live|ended)$/.test(String(fields['state']))) return undefined;
  return fields as unknown as StreamStateMessage;
}

function parseStrings(
  payload: Uint8Array | string,
  names: readonly string[],
): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(typeof payload === 'string' ? payload : Buffer.from(payload).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  return names.every((name) => typeof fields[name] === 'string') ? fields : undefined;
}
