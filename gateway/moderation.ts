// Acts of moderation, from command to effect. Each is one script call on the room's slot; its
// effects on sockets and rings follow from the sequence, in every worker alike, and survive gaps as
// messages do.
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { GatewayMetrics } from './metrics.js';
import { moderateChannel, type ModerateArgs, type ModerateReply } from './moderation-script.js';
import { packTail, unpackTail, type Tail } from './packet.js';
import { limits, unpackValues, type ErrorCode, type ModerateCommand } from './protocol/index.js';
import { newEpoch } from './publisher.js';
import { encodeReliable } from './push-encoder.js';
import type { Entry } from './ring.js';
import { publicSettings, settingsFields, type RoomRules } from './room-rules.js';
import type { Session, User } from './session.js';

export interface ModerationOptions {
  readonly redis: RedisClient;
  readonly rules: RoomRules;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly historyMax: number;
  readonly historyTtlSec: number;
  /** Tells a banned user's socket and takes it out of the room. */
  readonly expel: (session: Session, channel: Channel, reason: string) => void;
}

export type ModerationOutcome =
  | { readonly ok: true; readonly version: number; readonly offset: number }
  | { readonly ok: false; readonly code: ErrorCode };

type Step = Pick<ModerateArgs, 'action' | 'subject'> &
  Partial<Pick<ModerateArgs, 'seconds' | 'event' | 'message' | 'settings'>>;

const NONE = Buffer.alloc(0);

export class Moderation {
  constructor(private readonly options: ModerationOptions) {}

  /** The caller has checked that `actor` may moderate here. */
  async act(actor: User, channel: Channel, command: ModerateCommand): Promise<ModerationOutcome> {
    const { metrics, log, nowMs } = this.options;
    if (command.user === actor.id) return { ok: false, code: 'forbidden' };
    try {
      const step = await this.step(actor, channel, command);
      if (step === undefined) return { ok: false, code: 'bad_command' };
      const audit = JSON.stringify({
        at: nowMs(),
        by: actor.id,
        action: command.action,
        user: command.user,
        offset: command.offset,
        seconds: command.seconds,
        reason: command.reason,
        settings: command.settings,
      });
      const reply = await this.run(channel, `${actor.id} ${command.mid}`, step, audit);
      if (reply.is === 'missing') return { ok: false, code: 'not_found' };
      metrics.moderations.inc({ action: command.action });
      return { ok: true, version: reply.version, offset: reply.offset };
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

  private async step(
    actor: User,
    channel: Channel,
    command: ModerateCommand,
  ): Promise<Step | undefined> {
    const { action, mid, user = '', seconds, offset, reason } = command;
    const by = actor.name;
    const until = seconds === undefined ? undefined : this.options.nowMs() + seconds * 1_000;
    const term = {
      ...(until === undefined ? {} : { until }),
      ...(reason === undefined ? {} : { reason }),
    };
    const hidden = packTail('d', {}, '');
    const timed = seconds === undefined ? {} : { seconds };
    switch (action) {
      case 'ban': {
        const event = packTail('c', { user, ban: true, by, ...term }, mid);
        return { action: 'restrict', subject: `b:${user}`, ...timed, event };
      }
      case 'mute': {
        const event = packTail('x', { kind: 'muted', user, by, ...term }, mid);
        return { action: 'restrict', subject: `m:${user}`, ...timed, event };
      }
      case 'shadow':
        return { action: 'restrict', subject: `s:${user}`, ...timed };
      case 'unban': {
        const event = packTail('x', { kind: 'unbanned', user, by }, mid);
        return { action: 'lift', subject: `b:${user}`, event };
      }
      case 'unmute': {
        const event = packTail('x', { kind: 'unmuted', user, by }, mid);
        return { action: 'lift', subject: `m:${user}`, event };
      }
      case 'delete': {
        const event = packTail('d', { offset, by }, mid);
        return { action: 'delete', subject: String(offset), event, message: hidden };
      }
      case 'clear-user':
        return {
          action: 'clear',
          subject: user,
          event: packTail('c', { user, by }, mid),
          message: hidden,
        };
      case 'clear-room':
        return { action: 'clear', subject: '', event: packTail('c', { by }, mid), message: hidden };
      case 'settings':
        return this.settingsStep(channel, command);
      case 'pin':
        return this.pinStep(channel, actor, offset ?? 0, until);
      case 'unpin':
        return { action: 'value', subject: 'pin', message: packTail('p', {}) };
      default:
        return undefined;
    }
  }

  private async settingsStep(
    channel: Channel,
    { settings }: ModerateCommand,
  ): Promise<Step | undefined> {
    const fields = settingsFields(settings);
    if (fields === undefined) return undefined;
    const row = await this.options.redis.hgetall(channel.keys.settings);
    for (let at = 0; at < fields.length; at += 2) row[fields[at] ?? ''] = fields[at + 1] ?? '';
    const version = Number(row['v'] ?? '0') + 1;
    const message = packTail('s', { modes: publicSettings(row), version });
    return { action: 'value', subject: 'modes', message, settings: fields };
  }

  private async pinStep(
    channel: Channel,
    actor: User,
    offset: number,
    until: number | undefined,
  ): Promise<Step | undefined> {
    const raw = await this.options.redis.hgetBuffer(channel.keys.history, String(offset));
    if (raw === null) return undefined;
    const { kind, body } = unpackTail(raw.subarray(8));
    if (kind !== 'm' && kind !== 't') return undefined;
    const end = until === undefined ? {} : { until };
    const message = packTail('p', { offset, ...body, by: actor.name, ...end });
    return { action: 'value', subject: 'pin', message };
  }

  private run(channel: Channel, field: string, step: Step, audit: string): Promise<ModerateReply> {
    const { redis, historyMax, historyTtlSec } = this.options;
    return moderateChannel.run(redis, {
      keys: channel.keys,
      nowMs: 0,
      newEpoch: newEpoch(),
      historyMax,
      historyTtlSec,
      midTtlMs: limits.midTtlMs,
      field,
      seconds: undefined,
      event: NONE,
      message: NONE,
      settings: [],
      audit,
      ...step,
    });
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
