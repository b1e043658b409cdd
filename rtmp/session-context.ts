// What sessions and their roles share: the parts of this node, and the face that a session shows to
// its role.

import type { Clock, Logger } from '../cluster/index.js';
import type { AddressRules } from './address-rules.js';
import type { ConnectionEnd, EndCode, RtmpConnection } from './connection.js';
import type { DoneLedger } from './done-ledger.js';
import type { DoneQueue } from './done-queue.js';
import type { RtmpErrorCode } from './errors.js';
import type { FlapLimit } from './flap-limit.js';
import type { HookClient } from './hooks.js';
import type { IngestOptions } from './ingest-options.js';
import type { IngestMetrics } from './metrics.js';
import type { ClientCommand } from './protocol/commands.js';
import type { RtmpMessage } from './protocol/message.js';
import type { SessionHooks } from './session-hooks.js';
import type { StreamTable } from './streams.js';

/** The parts of a node. */
export interface IngestContext {
  readonly options: IngestOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IngestMetrics;
  readonly hooks: HookClient;
  readonly doneQueue: DoneQueue;
  readonly ledger: DoneLedger;
  readonly streams: StreamTable;
  readonly flaps: FlapLimit;
  readonly mayBegin: MayBegin;
  /** The paid session in the arguments of a play. */
  readonly billOf: (args: string) => string | undefined;
  readonly rules: { readonly publish: AddressRules; readonly play: AddressRules };
}

/** An error of the table with what its message needs. */
export interface Refusal {
  readonly code: RtmpErrorCode;
  readonly reason?: string;
  readonly codec?: string;
  readonly max?: number;
}

/**
 * What stands against a publish that the hook has accepted; undefined = nothing. Never rejects.
 * @param isNew it replaces no live publisher of this node
 */
export type MayBegin = (
  streamId: string,
  isNew: boolean,
) => Promise<Refusal | undefined> | Refusal | undefined;

/** A session, as its role uses it. */
export interface SessionHost {
  readonly id: string;
  readonly context: IngestContext;
  readonly connection: RtmpConnection;
  readonly hooks: SessionHooks;
  /** Tells the peer an error of the table, then ends the session. */
  refuse(error: Refusal, endCode?: EndCode, detail?: string): void;
  /** From here on the session is this role's, also when it is kicked at once. */
  activate(role: Role): void;
  /** A NetStream status of level `status`. */
  notify(code: string, description: string): void;
  /** Ends the session after what was sent. */
  end(code: EndCode, detail?: string): void;
}

/** What an accepted session does: it publishes or it plays. */
export interface Role {
  readonly kind: 'publish' | 'play';
  readonly streamId: string;
  /** The paid session that pays for what is played. */
  readonly bill?: string | undefined;
  /** Of the newest media, ms. */
  readonly timestampMs: number;
  /** Numbers for the access log and statistics. */
  readonly figures: Readonly<Record<string, number>>;
  onMessage(message: RtmpMessage): void;
  onBatchEnd(): void;
  /** The client says that it is done. */
  onClose(command: ClientCommand): void;
  tick(nowMs: number): void;
  kick(reason: string): void;
  /** Goes on with another stream; false when that cannot be. */
  redirect(streamId: string): boolean;
  /** Last call; lets go of the stream and settles the hooks. */
  finish(end: ConnectionEnd): void;
}
