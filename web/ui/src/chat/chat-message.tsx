// One line of chat. Memoised: a busy room re-renders only the lines that are new.
import { memo } from 'react';
import { formatCreditsUnit } from '../format/credits.js';
import { formatTime } from '../format/clock.js';
import { hashText } from '../format/hash.js';
import { Button } from '../ui/button.js';
import { TicketIcon } from '../ui/icons.js';
import type { ChatAuthor, ChatLine } from './chat-log.js';
import { isEmote, mentionsMe, splitText } from './chat-text.js';
import { Emote } from './emote.js';

export interface LineActions {
  onRetry: (line: ChatLine) => void;
  onDrop: (line: ChatLine) => void;
  /** Undefined for those who may only read. */
  onMention: ((name: string) => void) | undefined;
}

interface LineProps extends LineActions {
  line: ChatLine;
  myName: string | undefined;
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

/**
 * From here on a tip is set on full yellow; smaller ones stay calm so that a busy room remains
 * readable.
 */
const bigTipMilli = 50_000n;

function Tip({ line, myName }: { line: ChatLine; myName: string | undefined }) {
  const isBig = BigInt(line.amountMilli ?? '0') >= bigTipMilli;
  return (
    <li className={isBig ? 'line line-tip is-big' : 'line line-tip'} data-kind="tip">
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
    </li>
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

export const ChatMessage = memo(function ChatMessage(props: LineProps) {
  const { line, myName, onRetry, onDrop, onMention } = props;
  if (line.kind === 'notice') return <li className="line line-notice">{line.text}</li>;
  if (line.kind === 'tip') return <Tip line={line} myName={myName} />;
  const isMention = mentionsMe(line.text, myName);
  return (
    <li
      className={isMention ? 'line is-mention' : 'line'}
      data-kind="message"
      data-status={line.status}
      title={formatTime(line.atMs)}
    >
      {line.from ? <Author author={line.from} onMention={onMention} /> : null}
      {line.isDeleted === true ? (
        <span className="line-deleted">message removed</span>
      ) : (
        <span className="line-text">
          <Words text={line.text} myName={myName} />
        </span>
      )}
      {line.status === 'failed' ? (
        <FailedActions line={line} onRetry={onRetry} onDrop={onDrop} />
      ) : null}
    </li>
  );
});
