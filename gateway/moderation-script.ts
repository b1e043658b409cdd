// lua/moderate-channel.lua as a typed value.
import { defineScript } from '../cluster/index.js';
import type { ChannelKeys } from './channel-keys.js';
import { asArray, asNumber, asText } from './scripts.js';

export interface ModerateArgs {
  readonly keys: ChannelKeys;
  /** 0 = Redis' own clock. */
  readonly nowMs: number;
  readonly newEpoch: string;
  readonly historyMax: number;
  readonly historyTtlSec: number;
  readonly midTtlMs: number;
  /** "<actor> <mid>": a repeat is not done twice. */
  readonly field: string;
  readonly action: 'restrict' | 'lift' | 'delete' | 'clear' | 'value' | 'goal' | 'approve' | 'deny';
  readonly subject: string;
  /** Undefined = for ever. */
  readonly seconds?: number | undefined;
  /** Empty = nothing is sequenced. */
  readonly event: Buffer;
  readonly message: Buffer;
  readonly audit: string;
  /** Pairs of field and value. */
  readonly settings: readonly string[];
}

export interface ModerateReply {
  readonly epoch: string;
  readonly offset: number;
  readonly version: number;
  readonly is: 'done' | 'missing' | 'repeat';
}

export const moderateChannel = defineScript<ModerateArgs, ModerateReply>({
  file: new URL('./lua/moderate-channel.lua', import.meta.url),
  encode: ({ keys, settings, ...args }) => ({
    keys: [
      keys.meta,
      keys.history,
      keys.mids,
      keys.midsBefore,
      keys.restrictions,
      keys.settings,
      keys.values,
      keys.feed,
      keys.audit,
      keys.held,
      keys.heldOrder,
      keys.tips,
      keys.banNotes,
      keys.banOrder,
    ],
    argv: [
      args.nowMs,
      args.newEpoch,
      args.historyMax,
      args.historyTtlSec,
      args.midTtlMs,
      args.field,
      args.action,
      args.subject,
      args.seconds ?? '',
      args.event,
      args.message,
      args.audit,
      ...settings,
    ],
  }),
  decode(reply) {
    const [epoch, offset, version, is] = asArray(reply);
    return {
      epoch: asText(epoch),
      offset: asNumber(offset),
      version: asNumber(version),
      is: is === 1 ? 'done' : is === 2 ? 'repeat' : 'missing',
    };
  },
});
