// What must hold in every run, as far as it can be seen from outside: the modelled Redis says what
// was given a place, the clients say what they were shown. A broken rule is one sentence.
import { unpackTail } from '../../packet.js';
import type { ReceivedMessage } from '../../client/index.js';
import type { Sequenced } from './redis-model.js';

export type Oracle = 'order' | 'loss' | 'duplicate' | 'ban' | 'coordinator' | 'leak' | 'answer';

export interface Violation {
  readonly oracle: Oracle;
  readonly what: string;
}

interface Shown {
  epoch: string;
  offset: number;
  /** Something was announced as lost since. */
  isExcused: boolean;
  /** Messages shown so far, and which of them each was. */
  readonly count: number;
  readonly mids: Map<string, number>;
}

interface Ban {
  readonly epoch: string;
  readonly offset: number;
}

interface Place {
  readonly mid: string;
  readonly sender: string;
}

const VIOLATIONS_MAX = 20;
/** A client surely knows a message again among this many, and perhaps later. */
const MIDS_KNOWN = 256;

export class Oracles {
  readonly violations: Violation[] = [];
  sequencedCount = 0;
  shownCount = 0;
  private readonly log = new Map<string, Map<number, Place>>();
  private readonly mids = new Map<string, Set<string>>();
  /** By channel and user: where the ban stands. */
  private readonly bans = new Map<string, Map<string, Ban>>();
  private readonly duties = new Map<string, { worker: string; token: number }>();
  private readonly shown = new Map<string, Shown>();

  fail(oracle: Oracle, what: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ oracle, what });
  }

  sequenced({ channel, epoch, offset, tail }: Sequenced): void {
    this.sequencedCount += 1;
    const { body, mid, kind } = unpackTail(tail);
    const { from } = body as { from?: { id?: string } };
    const sender = kind === 'm' ? (from?.id ?? '') : '';
    const id = `${channel} ${epoch}`;
    const places = this.log.get(id) ?? new Map<number, Place>();
    this.log.set(id, places.set(offset, { mid, sender }));
    const mids = this.mids.get(id) ?? new Set<string>();
    this.mids.set(id, mids);
    if (mids.has(`${sender} ${mid}`)) this.fail('duplicate', `${mid} has two places in ${id}`);
    mids.add(`${sender} ${mid}`);
    if (this.bans.get(channel)?.has(sender) === true) {
      this.fail('ban', `${sender} got offset ${offset} in ${channel} after the ban`);
    }
  }

  /** The ban was acknowledged to whoever asked for it. */
  banned(channel: string, user: string, ban: Ban): void {
    this.bans.set(channel, (this.bans.get(channel) ?? new Map<string, Ban>()).set(user, ban));
  }

  /** Redis has lost everything, bans too. */
  forgotten(): void {
    this.bans.clear();
  }

  duty(room: string, worker: string, token: number): void {
    const before = this.duties.get(room);
    const isFine =
      before === undefined ||
      (worker === before.worker ? token >= before.token : token > before.token);
    if (!isFine) {
      const then = `after ${before.worker} with ${before.token}`;
      this.fail('coordinator', `${room}: ${worker} acted with ${token} ${then}`);
    }
    this.duties.set(room, { worker, token });
  }

  /** A client was shown a reliable message. @param epoch that its reader is in */
  show(
    { client, user }: { readonly client: string; readonly user: string },
    epoch: string,
    { channel, offset, mid, kind }: ReceivedMessage,
  ): void {
    this.shownCount += 1;
    const ban = this.bans.get(channel)?.get(user);
    if (ban !== undefined && ban.epoch === epoch && offset > ban.offset) {
      this.fail('ban', `${user} was shown ${offset} in ${channel}, after the ban at ${ban.offset}`);
    }
    const id = `${client} ${channel}`;
    const places = this.log.get(`${channel} ${epoch}`);
    const place = places?.get(offset);
    const isHidden = kind === 'd' && mid === '';
    if (place === undefined || (place.mid !== mid && !isHidden)) {
      this.fail('order', `${id} saw ${mid} at ${offset}, where ${place?.mid ?? 'nothing'} is`);
    }
    const last = this.shown.get(id);
    if (last !== undefined) {
      if (last.epoch !== epoch && !last.isExcused) this.fail('loss', `${id}: no word of ${epoch}`);
      if (last.epoch === epoch) this.follow(id, last, offset, places);
      const isRepeat = last.count - (last.mids.get(mid) ?? -Infinity) < MIDS_KNOWN;
      if (isRepeat) this.fail('duplicate', `${id} saw ${mid} twice`);
    }
    const mids = last?.mids ?? new Map<string, number>();
    const count = (last?.count ?? 0) + 1;
    if (mid !== '') mids.set(mid, count);
    this.shown.set(id, { epoch, offset, isExcused: false, count, mids });
  }

  private follow(
    id: string,
    last: Shown,
    offset: number,
    places: ReadonlyMap<number, Place> | undefined,
  ): void {
    if (offset <= last.offset) this.fail('order', `${id} saw ${offset} after ${last.offset}`);
    if (last.isExcused) return;
    for (let hole = last.offset + 1; hole < offset; hole += 1) {
      // A message that was said again after Redis had forgotten it is shown once.
      const isKnown = last.mids.has(places?.get(hole)?.mid ?? '');
      if (!isKnown) this.fail('loss', `${id} saw ${offset} after ${last.offset}`);
    }
  }

  /** A client was told that messages are lost. @param isLegal there is a reason for it */
  lost(client: string, channel: string, isLegal: boolean): void {
    if (!isLegal) this.fail('loss', `${client} ${channel} was told of a loss without reason`);
    const last = this.shown.get(`${client} ${channel}`);
    if (last !== undefined) last.isExcused = true;
  }

  /** Everything has come to rest: who is in a channel has the newest message. */
  settled(client: string, channel: string, has: readonly [string, number], top: number): void {
    const [epoch, offset] = has;
    if (offset !== top) {
      this.fail('loss', `${client} has ${channel} up to ${epoch} ${offset}, the top is ${top}`);
    }
  }

  /** A publish was acknowledged with a place. */
  acknowledged(channel: string, epoch: string, offset: number, mid: string): void {
    if (this.log.get(`${channel} ${epoch}`)?.get(offset)?.mid !== mid) {
      this.fail('answer', `${mid} was acknowledged at ${channel} ${offset} and is not there`);
    }
  }
}
