// The member scripts as typed calls. Used by members.ts only.
import { assert } from './errors.js';
import { defineScript } from './script.js';

/** All keys carry one tag: a script has to see the whole list on one node. */
export const MEMBER_KEYS = [
  'mb:{members}:leases',
  'mb:{members}:records',
  'mb:{members}:loads',
  'mb:{members}:state',
] as const;

export interface BeatRequest {
  readonly keys: readonly string[];
  /** `<role>/<id>`; '' only looks. */
  readonly member: string;
  /** 0 asks for a new one. */
  readonly incarnation: number;
  readonly record: string;
  readonly load: number;
  readonly leaseTtlMs: number;
  readonly knownVersion: number;
  /** 0 = the server's clock. */
  readonly nowMs: number;
}

export type BeatReply =
  | {
      readonly is: 'ok';
      readonly version: number;
      readonly incarnation: number;
      readonly nowMs: number;
      /** This call has changed the version. */
      readonly hasChanged: boolean;
      /** End of the lease by member, ms of the server's clock. */
      readonly leases: ReadonlyMap<string, number>;
      readonly loads: ReadonlyMap<string, number>;
      /**
       * `<incarnation> <record>` by member; empty when `version` is the one that the caller knew.
       */
      readonly records: ReadonlyMap<string, string>;
    }
  | { readonly is: 'superseded'; readonly incarnation: number }
  | { readonly is: 'lost' };

export const beatMember = defineScript<BeatRequest, BeatReply>({
  file: new URL('./lua/beat-member.lua', import.meta.url),
  encode: (call) => ({
    keys: call.keys,
    argv: [
      call.member,
      call.incarnation,
      call.record,
      call.load,
      call.leaseTtlMs,
      call.knownVersion,
      call.nowMs,
    ],
  }),
  decode: (reply) => {
    assert(Array.isArray(reply), 'beat-member replies with a list');
    const [is, ...rest] = reply as unknown[];
    if (is === 'lost') return { is };
    if (is === 'superseded') return { is, incarnation: Number(rest[0]) };
    assert(is === 'ok' && rest.length === 7, 'beat-member replies ok with seven values');
    const [version, incarnation, nowMs, hasChanged, leases, loads, records] = rest;
    return {
      is,
      version: Number(version),
      incarnation: Number(incarnation),
      nowMs: Number(nowMs),
      hasChanged: hasChanged === 1,
      leases: pairs(leases, Number),
      loads: pairs(loads, Number),
      records: pairs(records, String),
    };
  },
});

/** Replies the new version, 0 when there was nothing to do. */
export const leaveMember = defineScript<
  { keys: readonly string[]; member: string; incarnation: number; nowMs: number },
  number
>({
  file: new URL('./lua/leave-member.lua', import.meta.url),
  encode: ({ keys, member, incarnation, nowMs }) => ({ keys, argv: [member, incarnation, nowMs] }),
  decode: Number,
});

export const restoreMembers = defineScript<
  {
    keys: readonly string[];
    knownVersion: number;
    leaseTtlMs: number;
    nowMs: number;
    members: readonly { member: string; record: string; load: number }[];
  },
  boolean
>({
  file: new URL('./lua/restore-members.lua', import.meta.url),
  encode: ({ keys, knownVersion, leaseTtlMs, nowMs, members }) => ({
    keys,
    argv: [
      knownVersion,
      leaseTtlMs,
      nowMs,
      ...members.flatMap(({ member, record, load }) => [member, record, load]),
    ],
  }),
  decode: (reply) => reply === 1,
});

function pairs<T>(flat: unknown, read: (value: unknown) => T): Map<string, T> {
  assert(Array.isArray(flat) && flat.length % 2 === 0, 'a list of pairs');
  const map = new Map<string, T>();
  for (let at = 0; at < flat.length; at += 2) map.set(String(flat[at]), read(flat[at + 1]));
  return map;
}
