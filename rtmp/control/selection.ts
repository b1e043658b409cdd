// Which sessions a control call means, in nginx-rtmp's words: section, app, name, addr, clientid.

import type { RtmpSession } from '../session.js';

export interface Selection {
  readonly section: 'publisher' | 'subscriber' | 'client';
  readonly app?: string;
  /** Public stream id. */
  readonly name?: string;
  readonly addr?: string;
  /** Number on its node; for one session in the fleet use `session`. */
  readonly clientId?: number;
  readonly session?: string;
}

const KINDS = {
  publisher: ['publish'],
  subscriber: ['play'],
  client: ['publish', 'play'],
} as const;

/** Sessions with a role that the selection means; an absent member means all. */
export function selectSessions(
  sessions: Iterable<RtmpSession>,
  selection: Selection,
): RtmpSession[] {
  const { section, app, name, addr, clientId, session } = selection;
  const kinds: readonly string[] = KINDS[section];
  return [...sessions].filter(
    (one) =>
      one.role !== undefined &&
      !one.connection.isEnding &&
      kinds.includes(one.role.kind) &&
      (app === undefined || one.app === app) &&
      (name === undefined || one.role.streamId === name) &&
      (addr === undefined || one.address === addr) &&
      (clientId === undefined || one.clientId === clientId) &&
      (session === undefined || one.id === session),
  );
}
