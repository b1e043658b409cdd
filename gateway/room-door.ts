// What a change of a room's flags means for those who are in it: some have to leave, others get its
// messages or get them no longer. Works on this worker's copy of the flags, which is read anew when
// the feed says that they have changed, and after each hole in the feed: a ban that was in a hole,
// and that history does not have any more, is found the same way.
import { coerceError, type Logger } from '../cluster/index.js';
import type { Channel } from './channel.js';
import type { RoomRules } from './room-rules.js';
import type { Session } from './session.js';

export interface RoomDoorOptions {
  readonly rules: RoomRules;
  readonly log: Logger;
  /** Says why and ends the subscription. */
  readonly expel: (session: Session, channel: Channel, reason: string) => void;
  /** Ends the subscription so that the client makes it anew. */
  readonly readmit: (session: Session, channel: Channel) => void;
}

const RETRY_MS = 500;

export class RoomDoor {
  constructor(private readonly options: RoomDoorOptions) {}

  /** Reads rules and flags; part of opening a room. @throws Redis' errors */
  async load(channel: Channel): Promise<void> {
    const { isChanged } = await this.options.rules.load(channel);
    if (isChanged) this.check(channel);
  }

  /** The feed says that the flags have changed. */
  changed(channel: Channel): void {
    this.load(channel).catch((thrown: unknown) => {
      this.options.log.debug({ event: 'flags.load_failed', err: coerceError(thrown) });
      setTimeout(() => {
        if (channel.members.size > 0) this.changed(channel);
      }, RETRY_MS).unref();
    });
  }

  private check(channel: Channel): void {
    const { rules, expel, readmit } = this.options;
    for (const [session, membership] of [...channel.members]) {
      const { user } = session;
      if (user === undefined) continue;
      const refusal = rules.refuse(user, channel, membership);
      const isQuiet = rules.isQuiet(user, channel, membership);
      if (refusal !== undefined) expel(session, channel, refusal.code);
      else if (isQuiet !== (membership.isQuiet === true)) readmit(session, channel);
    }
  }
}
