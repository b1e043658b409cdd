// What acts of moderation mean for this worker's sockets and rings. It follows from the sequence,
// in every worker alike, and survives gaps as messages do; the acts themselves are in room-acts.ts.
import { coerceError, type Logger } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { GatewayMetrics } from './metrics.js';
import { packTail, unpackTail, type Tail } from './packet.js';
import { unpackValues, type ModerateCommand } from './protocol/index.js';
import { encodeReliable } from './push-encoder.js';
import type { Entry } from './ring.js';
import type { ActOutcome, Actor, RoomActs } from './room-acts.js';
import type { RoomRules } from './room-rules.js';
import type { Session } from './session.js';

export interface ModerationOptions {
  readonly acts: RoomActs;
  readonly rules: RoomRules;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** Tells a banned user's socket and takes it out of the room. */
  readonly expel: (session: Session, channel: Channel, reason: string) => void;
}

export class Moderation {
  constructor(private readonly options: ModerationOptions) {}

  /** The caller has checked that `actor` may moderate here. */
  async act(actor: Actor, channel: Channel, command: ModerateCommand): Promise<ActOutcome> {
    const { acts, metrics, log } = this.options;
    const ended = metrics.moderationLatency.startTimer();
    try {
      const outcome = await acts.act(actor, channel.name, command);
      ended();
      if (outcome.ok) metrics.moderations.inc({ action: command.action });
      return outcome;
    } catch (thrown) {
      metrics.redisErrors.inc({ operation: 'moderate' });
      log.warn({ event: 'moderation.failed', action: command.action, err: coerceError(thrown) });
      return { ok: false, code: 'temporary' };
    }
  }

  /** A message of the sequence has come: what it means for this worker's ring, copy and sockets. */
  observe(channel: Channel, entry: Entry, tail: Tail): void {
    if (channel.namespace !== 'room') return;
    if (entry.kind === 'd') {
      const { offset } = unpackTail(tail).body;
      if (offset !== entry.offset) this.hide(channel, (one) => one.offset === offset);
    } else if (entry.kind === 'c') {
      this.observeClear(channel, tail);
    } else if (entry.kind === 'x') {
      const { kind, user } = unpackTail(tail).body;
      if (kind === 'unbanned' && typeof user === 'string')
        this.options.rules.unbanned(channel, user);
    }
  }

  private observeClear(channel: Channel, tail: Tail): void {
    const { user, ban, until, reason } = unpackTail(tail).body;
    this.hide(channel, (one) => one.kind === 'm' && (user === undefined || senderOf(one) === user));
    if (ban !== true || typeof user !== 'string') return;
    this.options.rules.banned(channel, user, typeof until === 'number' ? until : Infinity);
    for (const session of [...channel.members.keys()]) {
      if (session.user?.id !== user) continue;
      this.options.expel(session, channel, typeof reason === 'string' ? reason : 'banned');
    }
  }

  private hide(channel: Channel, isHidden: (entry: Entry) => boolean): void {
    const { alias } = channel;
    channel.hide(isHidden, ({ offset, ts }) =>
      encodeReliable({ alias, offset, ts }, packTail('d', { offset }, '')),
    );
  }
}

function senderOf(entry: Entry): unknown {
  // [alias, offset, ts, kind, body, mid]; unpacked only when something is hidden.
  const push = unpackPush(entry);
  const from = push?.['from'];
  return typeof from === 'object' && from !== null && 'id' in from ? from.id : undefined;
}

function unpackPush({ binary }: Entry): Readonly<Record<string, unknown>> | undefined {
  const [push] = unpackValues(binary);
  const body: unknown = Array.isArray(push) ? push[4] : undefined;
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
}
