// Acts of moderation, from command to Redis: one script call each on the room's slot, whoever asks
// for it, a worker's client or the site. What an act means for sockets and rings follows from the
// sequence (moderation.ts).
import { coerceError, type Logger, type RedisClient } from '../cluster/index.js';
import { channelKeys, type ChannelKeys } from './channel-keys.js';
import { findHeld } from './held.js';
import { moderateChannel, type ModerateArgs, type ModerateReply } from './moderation-script.js';
import { packTail, packVolatile, unpackTail } from './packet.js';
import { channelId, limits, type ErrorCode, type ModerateCommand } from './protocol/index.js';
import { readPerson } from './presence-scripts.js';
import { newEpoch } from './publisher.js';
import { flagFields, flagsOf, type RoomFlags } from './room-flags.js';
import { restartLeaderboard } from './room-tips.js';
import { goalFields, publicSettings, settingsFields } from './room-settings.js';

/** Who acts: an account, or a part of the site. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  /** Helps in the room, and may do nothing to its model or to others who help. */
  readonly isHelper?: boolean;
}

export type Act = Omit<ModerateCommand, 'c' | 'i' | 'ch'>;

export type ActOutcome =
  | { readonly ok: true; readonly version: number; readonly offset: number }
  | { readonly ok: false; readonly code: ErrorCode };

export interface RoomActsOptions {
  readonly redis: RedisClient;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly historyMax: number;
  readonly historyTtlSec: number;
}

type Step = Pick<ModerateArgs, 'action' | 'subject'> &
  Partial<Pick<ModerateArgs, 'seconds' | 'event' | 'message' | 'settings'>> & {
    /** What the audit record says besides the act itself. */
    readonly about?: {
      readonly user?: string;
      readonly userName?: string;
      readonly text?: string;
    };
  };

const NONE = Buffer.alloc(0);
/** Levels that are listed; admins are not. */
const IN_CHARGE: ReadonlySet<string> = new Set(['performer', 'moderator']);

export class RoomActs {
  constructor(private readonly options: RoomActsOptions) {}

  /**
   * Done when this resolves; the same mid of the same actor is done once. The caller has checked
   * that the actor may. @throws Redis' errors
   */
  async act(actor: Actor, channel: string, act: Act): Promise<ActOutcome> {
    if (act.user === actor.id) return { ok: false, code: 'forbidden' };
    const keys = channelKeys(channel);
    const step = await this.step(actor, keys, act);
    if (typeof step === 'string') return { ok: false, code: step };
    const { mid, action, offset, held, seconds, reason, settings } = act;
    const user = step.about?.user ?? act.user;
    const record = {
      ...{ at: this.options.nowMs(), by: actor.id, byName: actor.name, action, user },
      userName: step.about?.userName,
      ...{ offset, held, seconds, reason, settings, text: step.about?.text },
    };
    const reply = await this.run(keys, `${actor.id} ${mid}`, step, JSON.stringify(record));
    if (reply.is === 'missing') return { ok: false, code: 'not_found' };
    if (action === 'deny' && reply.is === 'done' && user !== undefined) {
      await this.tellDenied(user, channel, reason);
    }
    return { ok: true, version: reply.version, offset: reply.offset };
  }

  /**
   * Flags that are absent stay as they are. A room that was offline and is online begins a new
   * leaderboard. @throws Redis' errors
   */
  async setFlags(
    actor: Actor,
    channel: string,
    mid: string,
    change: Partial<RoomFlags>,
  ): Promise<void> {
    const keys = channelKeys(channel);
    const row = await this.options.redis.hgetall(keys.settings);
    const message = packTail('s', { flags: { ...flagsOf(row), ...change } });
    const record = { at: this.options.nowMs(), by: actor.id, byName: actor.name, action: 'flags' };
    const step = { action: 'value', subject: 'flags', message } as const;
    const settings = flagFields(change);
    const audit = JSON.stringify({ ...record, settings: change });
    await this.run(keys, `${actor.id} ${mid}`, { ...step, settings }, audit);
    const isNewShow = row['online'] === '0' && change.isOnline === true;
    if (isNewShow) await restartLeaderboard(this.options.redis, keys);
  }

  /** What the script is to do, or why there is nothing to do. */
  private async step(actor: Actor, keys: ChannelKeys, act: Act): Promise<Step | ErrorCode> {
    switch (act.action) {
      case 'settings':
        return this.settingsStep(keys, act);
      case 'pin':
        return this.pinStep(keys, actor, act);
      case 'unpin':
        return { action: 'value', subject: 'pin', message: packTail('p', {}) };
      case 'goal':
        return goalStep(act);
      case 'approve':
      case 'deny': {
        const item = await findHeld(this.options.redis, keys, act.held ?? '');
        const about = item === undefined ? {} : { user: item.from.id, text: item.text };
        // Whether it still waits is for the script to say: this may be the repeat of an act.
        return { action: act.action, subject: act.held ?? '', about };
      }
      case 'ban':
      case 'mute':
      case 'shadow':
      case 'clear-user': {
        const person = await readPerson(this.options.redis, keys, act.user ?? '');
        if (actor.isHelper === true && IN_CHARGE.has(person?.level ?? '')) return 'forbidden';
        const about = person === undefined ? {} : { userName: person.name };
        return { ...this.userStep(actor, act), about };
      }
      default:
        return this.userStep(actor, act);
    }
  }

  private userStep(actor: Actor, act: Act): Step {
    const { action, mid, user = '', seconds, offset, reason } = act;
    const by = actor.name;
    const term = {
      ...(seconds === undefined ? {} : { until: this.options.nowMs() + seconds * 1_000 }),
      ...(reason === undefined ? {} : { reason }),
    };
    const hidden = packTail('d', {}, '');
    const timed = seconds === undefined ? {} : { seconds };
    switch (action) {
      case 'ban': {
        const event = packTail('c', { user, ban: true, by, ...term }, mid);
        return { action: 'restrict', subject: `b:${user}`, ...timed, event, message: hidden };
      }
      case 'mute': {
        const event = packTail('x', { kind: 'muted', user, by, ...term }, mid);
        return { action: 'restrict', subject: `m:${user}`, ...timed, event };
      }
      case 'shadow':
        return { action: 'restrict', subject: `s:${user}`, ...timed };
      case 'unshadow':
        // No event: neither the user nor the room ever knew.
        return { action: 'lift', subject: `s:${user}` };
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
      case 'clear-user': {
        const event = packTail('c', { user, by }, mid);
        return { action: 'clear', subject: user, event, message: hidden };
      }
      default: {
        const event = packTail('c', { by }, mid);
        return { action: 'clear', subject: '', event, message: hidden };
      }
    }
  }

  private async settingsStep(keys: ChannelKeys, { settings }: Act): Promise<Step | ErrorCode> {
    const fields = settingsFields(settings);
    if (fields === undefined) return 'bad_command';
    const row = await this.options.redis.hgetall(keys.settings);
    for (let at = 0; at < fields.length; at += 2) row[fields[at] ?? ''] = fields[at + 1] ?? '';
    const version = Number(row['v'] ?? '0') + 1;
    const message = packTail('s', { modes: publicSettings(row), version });
    return { action: 'value', subject: 'modes', message, settings: fields };
  }

  private async pinStep(keys: ChannelKeys, actor: Actor, act: Act): Promise<Step | ErrorCode> {
    const { offset = 0, seconds } = act;
    const raw = await this.options.redis.hgetBuffer(keys.history, String(offset));
    if (raw === null) return 'not_found';
    const { kind, body } = unpackTail(raw.subarray(8));
    if (kind !== 'm' && kind !== 't') return 'not_found';
    const end = seconds === undefined ? {} : { until: this.options.nowMs() + seconds * 1_000 };
    const message = packTail('p', { offset, ...body, by: actor.name, ...end });
    return { action: 'value', subject: 'pin', message };
  }

  /** May be lost: the sender's own page had the message as held all along. */
  private async tellDenied(user: string, channel: string, reason?: string): Promise<void> {
    const { redis, log, nowMs } = this.options;
    const said = reason === undefined ? {} : { reason };
    const tail = packTail('x', { kind: 'denied', room: channelId(channel), ...said });
    try {
      await redis.spublish(channelKeys(`user:${user}`).feed, packVolatile(nowMs(), tail));
    } catch (thrown) {
      log.debug({ event: 'denial.untold', err: coerceError(thrown) });
    }
  }

  private run(keys: ChannelKeys, field: string, step: Step, audit: string): Promise<ModerateReply> {
    const { redis, historyMax, historyTtlSec } = this.options;
    const { action, subject, seconds, event = NONE, message = NONE, settings = [] } = step;
    return moderateChannel.run(redis, {
      ...{ keys, historyMax, historyTtlSec, field, audit },
      ...{ action, subject, seconds, event, message, settings },
      nowMs: 0,
      newEpoch: newEpoch(),
      midTtlMs: limits.midTtlMs,
    });
  }
}

function goalStep({ settings }: Act): Step | ErrorCode {
  const goal = goalFields(settings);
  if (goal === undefined) return 'bad_command';
  const { target, text } = goal;
  const said = text === '' ? {} : { text };
  const message = packTail('g', { target, sum: '0', ...said });
  return {
    ...{ action: 'goal', subject: 'g', message },
    settings: ['target', target, 'text', text, 'sum', '0'],
  };
}
