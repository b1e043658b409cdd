// One line of chat. Memoised: a busy room re-renders only the lines that are new.
import { memo } from 'react';
import { formatCreditsUnit } from '../format/credits.js';
import { formatTime } from '../format/clock.js';
import { hashText } from '../format/hash.js';
import { Button, IconButton } from '../ui/button.js';
import { FlagIcon, GearIcon, ReplyIcon, TicketIcon } from '../ui/icons.js';
import type { ChatAuthor, ChatLine } from './chat-log.js';
import { isEmote, mentionsMe, splitText } from './chat-text.js';
import { Emote } from './emote.js';
import { bigTipMilli } from './tip-fold.js';

export interface LineActions {
  onRetry: (line: ChatLine) => void;
  onDrop: (line: ChatLine) => void;
  /** Undefined for those who may only read. */
  onMention: ((name: string) => void) | undefined;
  onReply: ((line: ChatLine) => void) | undefined;
  /** Undefined for strangers. */
  onReport: ((line: ChatLine) => void) | undefined;
  /** Undefined for those who may not. */
  onModerate: ((line: ChatLine) => void) | undefined;
}

interface LineProps extends LineActions {
  line: ChatLine;
  /** The message that this one answers; null = gone, undefined = none or not known yet. */
  quote: ChatLine | null | undefined;
  me: ChatAuthor | undefined;
}

const roleNames: Record<string, string> = {
  model: 'Model',
  performer: 'Model',
  moderator: 'Mod',
  admin: 'Staff',
};

const nameColors = 7;

/** People who joined one after the other, as friends do, get different colours. */
function colorOf(id: string): number {
  const number = /^\d+$/.test(id) ? Number(id.slice(-6)) : hashText(id);
  return number % nameColors;
}

function nameClass({ id, role }: ChatAuthor): string {
  if (role === 'model' || role === 'performer') return 'line-name name-model';
  if (role === 'moderator' || role === 'admin') return `line-name name-${role}`;
  return `line-name name-${String(colorOf(id))}`;
}

function Author({ author, onMention }: { author: ChatAuthor } & Pick<LineActions, 'onMention'>) {
  const role = roleNames[author.role];
  return (
    <>
      {role === undefined ? null : <span className={`role role-${author.role}`}>{role}</span>}
      {onMention ? (
        // A short cut for the pointer; with the keyboard one types the name.
        <button
          type="button"
          tabIndex={-1}
          className={nameClass(author)}
          onClick={() => onMention(author.name)}
        >
          {author.name}
        </button>
      ) : (
        <span className={nameClass(author)}>{author.name}</span>
      )}
    </>
  );
}

function Words({ text, myName }: { text: string; myName: string | undefined }) {
  return splitText(text, myName).map((part, index) => {
    if (part.kind === 'emote' && isEmote(part.name)) return <Emote key={index} name={part.name} />;
    if (part.kind === 'mention') {
      return (
        <span key={index} className={part.isMe ? 'mention mention-me' : 'mention'}>
          {part.text}
        </span>
      );
    }
    return part.text;
  });
}

function Tip({ line, myName }: { line: ChatLine; myName: string | undefined }) {
  if (line.tips) return <ManyTips line={line} tips={line.tips} />;
  // Smaller ones stay calm so that a busy room remains readable.
  const isBig = BigInt(line.amountMilli ?? '0') >= bigTipMilli;
  return (
    <div className={isBig ? 'line line-tip is-big' : 'line line-tip'} data-kind="tip">
      <TicketIcon />
      <div>
        <strong>{line.from?.name}</strong> tipped{' '}
        <strong className="number">{formatCreditsUnit(line.amountMilli ?? '0')}</strong>
        {line.text === '' ? null : (
          <p className="line-tip-text">
            <Words text={line.text} myName={myName} />
          </p>
        )}
      </div>
    </div>
  );
}

function ManyTips({ line, tips }: { line: ChatLine; tips: NonNullable<ChatLine['tips']> }) {
  return (
    <div className="line line-tip" data-kind="tip" data-tips={tips.count}>
      <TicketIcon />
      <div>
        <strong>{tips.count} more tips</strong> ({tips.names.join(', ')}
        {tips.hasMore ? ' …' : ''}):{' '}
        <strong className="number">{formatCreditsUnit(line.amountMilli ?? '0')}</strong>
      </div>
    </div>
  );
}

function Presence({ moves }: { moves: NonNullable<ChatLine['moves']> }) {
  const { is, names, count } = moves;
  const more = count - names.length;
  const who = more > 0 ? [...names, `${String(more)} more`] : names;
  const list =
    who.length < 2 ? who.join('') : `${who.slice(0, -1).join(', ')} and ${who.at(-1) ?? ''}`;
  return (
    <p className="line line-presence" data-kind="presence">
      {list} {is === 'in' ? 'came in' : 'left'}
    </p>
  );
}

function QuoteBox({ quote }: { quote: ChatLine | null }) {
  const isGone = quote === null || quote.isDeleted === true;
  return (
    <p className="line-quote" data-testid="quote">
      <ReplyIcon />
      {isGone ? (
        <em>A message that was removed</em>
      ) : (
        <>
          <span className="visually-hidden">In answer to </span>
          <strong>{quote.from?.name}</strong> <span>{quote.text}</span>
        </>
      )}
    </p>
  );
}

const asideWords: Partial<Record<ChatLine['status'], string>> = {
  held: 'Waits for a moderator. Only you can see it.',
  denied: 'A moderator has turned this message down.',
  sampled: 'Not shown to the others: the room is too fast.',
  shadow: 'Shadow muted: only moderators see this.',
};

/** Moderators see lines of others here: these are not read out one by one. */
function Aside({ line, isMine }: { line: ChatLine; isMine: boolean }) {
  const words = asideWords[line.status];
  if (words === undefined) return null;
  return (
    <p className="line-aside" role={isMine ? 'status' : undefined}>
      {words}
      {line.problem === undefined ? null : ` (${line.problem})`}
    </p>
  );
}

type FailedProps = Pick<LineActions, 'onRetry' | 'onDrop'> & { line: ChatLine };

function FailedActions({ line, onRetry, onDrop }: FailedProps) {
  return (
    <div className="line-failed" role="alert">
      <span>{line.problem}</span>
      <Button size="small" look="quiet" onClick={() => onRetry(line)}>
        Try again
      </Button>
      <Button size="small" look="quiet" onClick={() => onDrop(line)}>
        Remove
      </Button>
    </div>
  );
}

type ToolProps = Pick<LineActions, 'onReply' | 'onReport' | 'onModerate'> & {
  line: ChatLine;
  isMine: boolean;
};

/** Shown on hover, on focus and, on a phone, beside a line that was tapped. */
function Tools({ line, isMine, onReply, onReport, onModerate }: ToolProps) {
  const isPlaced = line.status === 'sent' && line.offset !== undefined && line.isDeleted !== true;
  if (!isPlaced || (!onReply && !onReport && !onModerate)) return null;
  const name = line.from?.name ?? '';
  return (
    <span className="line-tools">
      {onReply ? (
        <IconButton label={`Reply to ${name}`} onClick={() => onReply(line)}>
          <ReplyIcon />
        </IconButton>
      ) : null}
      {onReport && !isMine ? (
        <IconButton label={`Report this message of ${name}`} onClick={() => onReport(line)}>
          <FlagIcon />
        </IconButton>
      ) : null}
      {onModerate ? (
        <IconButton label={`Moderate this message of ${name}`} onClick={() => onModerate(line)}>
          <GearIcon />
        </IconButton>
      ) : null}
    </span>
  );
}

export const ChatMessage = memo(function ChatMessage(props: LineProps) {
  const { line, quote, me, onRetry, onDrop, onMention } = props;
  if (line.kind === 'notice') return <p className="line line-notice">{line.text}</p>;
  if (line.moves) return <Presence moves={line.moves} />;
  if (line.kind === 'tip') return <Tip line={line} myName={me?.name} />;
  const isMine = line.from !== undefined && line.from.id === me?.id;
  const isAnswer = me !== undefined && quote?.from?.id === me.id;
  const isMention = !isMine && (isAnswer || mentionsMe(line.text, me?.name));
  return (
    <div
      className={isMention ? 'line is-mention' : 'line'}
      data-kind="message"
      data-status={line.status}
      title={formatTime(line.atMs)}
    >
      {line.reply === undefined || quote === undefined ? null : <QuoteBox quote={quote} />}
      {line.from ? <Author author={line.from} onMention={onMention} /> : null}
      {line.isDeleted === true ? (
        <span className="line-deleted">message removed</span>
      ) : (
        <span className="line-text">
          <Words text={line.text} myName={me?.name} />
        </span>
      )}
      <Tools {...props} isMine={isMine} />
      <Aside line={line} isMine={isMine} />
      {line.status === 'failed' ? (
        <FailedActions line={line} onRetry={onRetry} onDrop={onDrop} />
      ) : null}
    </div>
  );
});
