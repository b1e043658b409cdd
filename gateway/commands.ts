// What clients ask for: decodes frames, limits rates, answers each command once. Never throws.
import { coerceError, type Logger } from '../cluster/index.js';
import { mayModerate, mayPublish, rightFlags, type Access } from './access.js';
import type { Channel } from './channel.js';
import { prepareText } from './chat-text.js';
import { packConnectReply } from './connect-reply.js';
import { readConnect } from './connect-request.js';
import { historyItems, type History } from './history.js';
import type { Inbox } from './inbox.js';
import type { GatewayMetrics } from './metrics.js';
import { packTail } from './packet.js';
import {
  clientFrameLimits,
  codecOf,
  limits,
  parseCommand,
  type Body,
  type ClientCommand,
  type CloseReason,
  type ConnectCommand,
  type ConnectResult,
  type ErrorCode,
  type Frame,
  type HeldCommand,
  type HeldMessage,
  type HistoryCommand,
  type ModerateCommand,
  type PresenceCommand,
  type PresenceResult,
  type PublishCommand,
  type ReadCommand,
  type RefreshCommand,
  type SubscribeCommand,
  type SubscribeOutcome,
} from './protocol/index.js';
import type { Moderation } from './moderation.js';
import type { Replies } from './replies.js';
import type { Revocations } from './revocations.js';
import type { RoomRules } from './room-rules.js';
import { messageFlags, type SequenceMessage } from './scripts.js';
import type { SequenceOutcome, Sequencer } from './sequencer.js';
import type { Session, User } from './session.js';
import type { Sessions } from './sessions.js';
import type { Subscriptions } from './subscriptions.js';

export interface CommandsOptions {
  readonly node: string;
  readonly access: Access;
  readonly subscriptions: Subscriptions;
  readonly sessions: Sessions;
  readonly sequencer: Sequencer;
  readonly rules: RoomRules;
  readonly revocations: Pick<Revocations, 'hasEnded'>;
  readonly moderation: Moderation;
  readonly inbox: Inbox;
  readonly history: History;
  readonly present: (channel: Channel) => Promise<PresenceResult>;
  readonly held: (channel: Channel) => Promise<readonly HeldMessage[]>;
  readonly replies: Replies;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly textLengthMax: number;
  readonly userConnectionsMax: number;
  readonly end: (session: Session, reason: CloseReason) => void;
}

interface Draft {
  readonly i: number;
  readonly text: string;
  readonly message: SequenceMessage;
  readonly triesLeft: number;
}

/** One command per this many ms in the long run … */
const COMMAND_PERIOD_MS = 100;
/** … and so many at once. */
const COMMAND_BURST = 40;
const FAULTS_MAX = 8;
const REFUSALS_MAX = 200;
const TEMPORARY_RETRY_MS = 500;

export class Commands {
  constructor(private readonly options: CommandsOptions) {}

  /** One frame of a client. */
  frame(session: Session, frame: Frame): void {
    const isFirst = session.user === undefined && session.isBinary && typeof frame !== 'string';
    const connect = isFirst ? readConnect(frame) : undefined;
    if (connect !== undefined) {
      if (this.isAllowed(session, connect)) this.run(session, connect);
      return;
    }
    const decoded = codecOf(session.encoding).decode(frame, clientFrameLimits);
    if (!decoded.ok) {
      this.fault(session, 0, 'bad_frame');
      return;
    }
    for (const item of decoded.items) {
      if (session.isEnded) return;
      const parsed = parseCommand(item);
      if (!parsed.ok) this.fault(session, parsed.i, parsed.error[0]);
      else if (this.isAllowed(session, parsed.command)) this.run(session, parsed.command);
    }
  }

  private run(session: Session, command: ClientCommand): void {
    this.options.metrics.commands.add(command.c);
    session.commands += 1;
    if (command.c === 'connect') {
      this.connect(session, command);
      return;
    }
    const { user } = session;
    if (user === undefined) {
      this.fail(session, command.i, session.isConnecting ? 'temporary' : 'not_connected');
      return;
    }
    switch (command.c) {
      case 'sub':
        this.subscribe(session, command);
        return;
      case 'unsub':
        this.unsubscribe(session, command.i, command.ch);
        return;
      case 'pub':
        this.publish(session, user, command);
        return;
      case 'hist':
        void this.readHistory(session, command);
        return;
      case 'refresh':
        this.refresh(session, user, command);
        return;
      case 'mod':
        void this.moderate(session, user, command);
        return;
      case 'held':
        void this.listHeld(session, user, command);
        return;
      case 'pres':
        void this.listPresent(session, command);
        return;
      case 'read':
        void this.markRead(session, user, command);
        return;
      case 'ping':
        this.options.replies.send(session, { i: command.i, r: {} });
    }
  }

  private connect(session: Session, { i, token, subs = [] }: ConnectCommand): void {
    if (session.user !== undefined) {
      this.fail(session, i, 'already_connected');
      return;
    }
    const { sessions, subscriptions, replies, metrics, nowMs, node } = this.options;
    const verdict = this.verify(token);
    if (!verdict.ok) {
      this.fail(session, i, verdict.code);
      replies.flush(session);
      this.options.end(session, 'bad_token');
      return;
    }
    const { user, expMs: exp } = verdict;
    const { userConnectionsMax: max } = this.options;
    // The newest is refused: closing an older tab would make the two take turns for ever.
    if (max > 0 && sessions.ofUser(user.id).length >= max) {
      this.options.end(session, 'too_many_connections');
      return;
    }
    session.user = user;
    session.tokenExpMs = exp;
    sessions.connected(session);
    metrics.connects.add(session.transport);
    const result = (outcomes: readonly SubscribeOutcome[]): ConnectResult => {
      return { node, session: session.id, user, now: nowMs(), exp, subs: outcomes };
    };
    subscriptions.subscribe(session, subs, {
      message: (outcomes) => ({ i, r: { ...result(outcomes) } }),
      pack: (outcomes) => packConnectReply(i, result(outcomes)),
    });
  }

  private subscribe(session: Session, { i, ch, ticket, pos }: SubscribeCommand): void {
    const request = {
      ch,
      ...(ticket === undefined ? {} : { ticket }),
      ...(pos === undefined ? {} : { pos }),
    };
    this.options.subscriptions.subscribe(session, [request], {
      message: ([outcome]) =>
        outcome === undefined || 'e' in outcome
          ? { i, e: outcome?.e ?? ['internal', ''] }
          : { i, r: { ...outcome } },
    });
  }

  private unsubscribe(session: Session, i: number, name: string): void {
    this.options.subscriptions.abandon(session, name);
    this.options.replies.send(session, { i, r: {} });
  }

  private publish(session: Session, user: User, { i, ch, mid, kind, body }: PublishCommand): void {
    const channel = session.channels.get(ch);
    const membership = channel?.members.get(session);
    if (channel === undefined || membership === undefined) {
      this.fail(session, i, 'not_subscribed');
      return;
    }
    if (!mayPublish(user, ch, membership)) {
      this.fail(session, i, 'forbidden');
      return;
    }
    const prepared = prepareText(body.text, this.options.textLengthMax);
    if (prepared === undefined) {
      this.fail(session, i, 'text_too_long');
      return;
    }
    const { level, groups } = membership;
    const from = { id: user.id, name: user.name, role: roleInRoom(user, level) };
    const reply = body.reply === undefined ? {} : { reply: body.reply };
    const message: SequenceMessage = {
      sender: user.id,
      mid,
      flags: prepared.flags | groups | rightFlags(membership),
      textHash: prepared.hash,
      tail: packTail(kind, { from, text: prepared.text, ...reply }, mid),
    };
    this.sequence(session, channel, { i, text: prepared.text, message, triesLeft: 2 });
  }

  /** Texts are looked at by this worker's copy of the word list; the script refuses an old copy. */
  private sequence(session: Session, channel: Channel, draft: Draft): void {
    const { rules, sequencer } = this.options;
    const { isBlocked, version } = rules.check(channel, draft.text);
    const { message } = draft;
    const checked = isBlocked
      ? { ...message, flags: message.flags | messageFlags.hasWord }
      : message;
    sequencer.add(channel, checked, version, (outcome) => {
      if (outcome.is !== 'stale' || draft.triesLeft === 0) {
        this.published(session, channel, draft.i, outcome);
        return;
      }
      rules.load(channel).then(
        () => this.sequence(session, channel, { ...draft, triesLeft: draft.triesLeft - 1 }),
        () => this.fail(session, draft.i, 'temporary', TEMPORARY_RETRY_MS),
      );
    });
  }

  private async moderate(session: Session, user: User, command: ModerateCommand): Promise<void> {
    const channel = this.inCharge(session, user, command);
    if (channel === undefined) return;
    const isHelper = channel.members.get(session)?.level === 'moderator';
    const actor = { id: user.id, name: user.name, isHelper };
    const outcome = await this.options.moderation.act(actor, channel, command);
    if (!outcome.ok) {
      this.fail(session, command.i, outcome.code);
      return;
    }
    const { version, offset } = outcome;
    this.options.replies.send(session, { i: command.i, r: { version, offset } });
  }

  private async listHeld(session: Session, user: User, command: HeldCommand): Promise<void> {
    const channel = this.inCharge(session, user, command);
    if (channel === undefined) return;
    await this.answer(session, command.i, 'held', async () => {
      return { items: await this.options.held(channel) };
    });
  }

  private async listPresent(session: Session, { i, ch }: PresenceCommand): Promise<void> {
    const channel = session.channels.get(ch);
    if (channel?.namespace !== 'room') {
      this.fail(session, i, 'not_subscribed');
      return;
    }
    await this.answer(session, i, 'presence', async () => {
      return { ...(await this.options.present(channel)) };
    });
  }

  /** The channel if the user may moderate there; otherwise the command is answered. */
  private inCharge(
    session: Session,
    user: User,
    { i, ch }: { readonly i: number; readonly ch: string },
  ): Channel | undefined {
    const channel = session.channels.get(ch);
    const membership = channel?.members.get(session);
    if (channel === undefined || membership === undefined) {
      this.fail(session, i, 'not_subscribed');
    } else if (!mayModerate(user, ch, membership)) {
      this.fail(session, i, 'forbidden');
    } else {
      return channel;
    }
    return undefined;
  }

  /** Answers with what `work` finds in Redis, or that it does not answer now. */
  private async answer(
    session: Session,
    i: number,
    operation: string,
    work: () => Promise<Body>,
  ): Promise<void> {
    try {
      this.options.replies.send(session, { i, r: await work() });
    } catch (thrown) {
      this.options.metrics.redisErrors.inc({ operation });
      this.options.log.debug({ event: 'command.failed', operation, err: coerceError(thrown) });
      this.fail(session, i, 'temporary', TEMPORARY_RETRY_MS);
    }
  }

  private published(session: Session, channel: Channel, i: number, outcome: SequenceOutcome): void {
    const { replies, metrics } = this.options;
    metrics.publishes.inc({ outcome: outcome.is === 'refused' ? outcome.code : outcome.is });
    switch (outcome.is) {
      case 'accepted':
        replies.send(session, {
          i,
          r: { epoch: outcome.epoch, offset: outcome.offset, ts: outcome.ts },
        });
        return;
      case 'shadow':
        replies.send(session, { i, r: { epoch: channel.epoch, offset: 0, ts: outcome.ts } });
        return;
      case 'sampled':
      case 'held': {
        const { is: state, ts } = outcome;
        replies.send(session, { i, r: { epoch: channel.epoch, offset: 0, ts, state } });
        return;
      }
      case 'refused':
        this.fail(session, i, outcome.code, outcome.waitMs > 0 ? outcome.waitMs : undefined);
        return;
      default:
        this.fail(session, i, 'temporary', TEMPORARY_RETRY_MS);
    }
  }

  private async readHistory(session: Session, command: HistoryCommand): Promise<void> {
    const { i, ch, before, limit = limits.backlogMax } = command;
    const channel = session.channels.get(ch);
    if (channel === undefined) {
      this.fail(session, i, 'not_subscribed');
      return;
    }
    if (channel.members.get(session)?.isQuiet === true) {
      this.fail(session, i, 'forbidden');
      return;
    }
    await this.answer(session, i, 'history', async () => {
      const after = before === undefined ? -1 : Math.max(0, before - 1 - limit);
      const max = before === undefined ? limit : before - 1 - after;
      const { epoch, top } = channel.tracker.position();
      if (max <= 0) return { epoch, top, msgs: [] };
      const { entries, first } = await this.options.history.read(channel, after, max);
      return { epoch, top, msgs: historyItems(entries, first) };
    });
  }

  private async markRead(session: Session, user: User, { i, upto }: ReadCommand): Promise<void> {
    const channel = session.channels.get(`user:${user.id}`);
    if (channel === undefined) {
      this.fail(session, i, 'not_subscribed');
      return;
    }
    await this.answer(session, i, 'read', async () => {
      return { unread: await this.options.inbox.markRead(channel, upto) };
    });
  }

  private refresh(session: Session, user: User, { i, token }: RefreshCommand): void {
    const verdict = this.verify(token);
    if (!verdict.ok) {
      this.fail(session, i, verdict.code);
    } else if (verdict.user.id !== user.id) {
      this.fail(session, i, 'bad_token');
    } else {
      session.tokenExpMs = verdict.expMs;
      const now = this.options.nowMs();
      this.options.replies.send(session, { i, r: { exp: verdict.expMs, now } });
    }
  }

  /** A good token of an account that was not sent away since. */
  private verify(token: string): ReturnType<Access['connect']> {
    const verdict = this.options.access.connect(token);
    const isRevoked =
      verdict.ok && this.options.revocations.hasEnded(verdict.user.id, verdict.issuedMs);
    return isRevoked ? { ok: false, code: 'bad_token' } : verdict;
  }

  private isAllowed(session: Session, command: ClientCommand): boolean {
    const now = this.options.nowMs();
    const tat = Math.max(session.commandTat, now) + COMMAND_PERIOD_MS;
    const excessMs = tat - now - COMMAND_BURST * COMMAND_PERIOD_MS;
    if (excessMs <= 0) {
      session.commandTat = tat;
      return true;
    }
    this.fail(session, command.i, 'rate_limited', Math.ceil(excessMs));
    session.refusals += 1;
    if (session.refusals > REFUSALS_MAX) this.options.end(session, 'rate');
    return false;
  }

  private fail(session: Session, i: number, code: ErrorCode, retryMs?: number): void {
    this.options.metrics.commandErrors.inc({ code });
    this.options.replies.fail(session, i, code, retryMs);
  }

  /** An error that a correct client does not make. */
  private fault(session: Session, i: number, code: ErrorCode): void {
    this.fail(session, i, code);
    session.faults += 1;
    if (session.faults < FAULTS_MAX) return;
    this.options.replies.flush(session);
    this.options.end(session, 'bad_frames');
  }
}

function roleInRoom(user: User, level: string): string {
  if (level === 'performer') return 'model';
  return level === 'moderator' || level === 'admin'
    ? level
    : user.role === 'model'
      ? 'viewer'
      : user.role;
}
