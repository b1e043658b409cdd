// Choosing and sending a tip: a double click or a retry after a lost answer pays once; after a
// refusal the same tip is another one, for credits may have been bought since.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { toProblem } from '../api/problem.js';
import { fetchProfile, sendTip } from '../api/rooms.js';
import type { Room, TipMenuItem } from '../api/rooms.js';
import { TopUpButton } from '../credits/top-up.js';
import { formatCredits, formatCreditsUnit, parseCredits } from '../format/credits.js';
import { sessionStore } from '../session/session.js';
import { CommandKey } from '../state/command-key.js';
import { useLoad } from '../state/use-load.js';
import { useSelected } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

const presets = ['5', '10', '25', '50', '100'];
const textMax = 200;
const noteMax = 500;

interface TipDialogProps {
  room: Room;
  onClose: () => void;
}

interface TipSending {
  isBusy: boolean;
  problem: string | undefined;
  send: (amountMilli: bigint, text: string, note: string) => void;
}

function useTip(slug: string, onSent: () => void): TipSending {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [command] = useState(() => new CommandKey());
  const send = (amountMilli: bigint, text: string, note: string): void => {
    if (isBusy) return;
    const tip = {
      amountMilli: String(amountMilli),
      ...(text === '' ? {} : { text }),
      ...(note === '' ? {} : { note }),
    };
    setBusy(true);
    command
      .use(JSON.stringify(tip), (key) => sendTip(slug, { ...tip, key }))
      .then(onSent)
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return { isBusy, problem, send };
}

function Presets({ amount, onPick }: { amount: string; onPick: (amount: string) => void }) {
  return (
    <div className="tip-presets" role="group" aria-label="Amounts">
      {presets.map((preset) => (
        <button
          key={preset}
          type="button"
          className="number"
          aria-pressed={amount === preset}
          onClick={() => onPick(preset)}
        >
          {preset}
        </button>
      ))}
    </div>
  );
}

/** What the model offers for a tip; without it the amounts above do. */
function TipMenu({ slug, onPick }: { slug: string; onPick: (item: TipMenuItem) => void }) {
  const { data } = useLoad(() => fetchProfile(slug), [slug]);
  const items = data?.tipMenu ?? [];
  if (items.length === 0) return null;
  return (
    <div className="tip-menu" role="group" aria-label="Tip menu" data-testid="tip-menu">
      {items.map((item) => (
        <button key={item.label} type="button" onClick={() => onPick(item)}>
          <span>{item.label}</span>
          <strong className="number">{formatCredits(item.amountMilli)}</strong>
        </button>
      ))}
    </div>
  );
}

/** Milli-credits free to spend: what a running show holds cannot be given away. */
function useFree(): string | undefined {
  return useSelected(sessionStore, ({ balance }) =>
    balance ? String(BigInt(balance.amount) - BigInt(balance.held)) : undefined,
  );
}

export function TipDialog({ room, onClose }: TipDialogProps) {
  const [amount, setAmount] = useState('10');
  const [text, setText] = useState('');
  const [note, setNote] = useState('');
  const balance = useFree();
  const { isBusy, problem, send } = useTip(room.slug, onClose);
  const amountMilli = parseCredits(amount);
  const isTooMuch =
    amountMilli !== undefined && balance !== undefined && amountMilli > BigInt(balance);
  const error =
    amountMilli === undefined
      ? 'Enter an amount above zero.'
      : isTooMuch
        ? 'You do not have that many credits.'
        : undefined;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (amountMilli !== undefined && !isTooMuch) send(amountMilli, text.trim(), note.trim());
  };
  return (
    <Dialog title={`Tip ${room.model.name}`} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <Presets amount={amount} onPick={setAmount} />
        <TipMenu
          slug={room.slug}
          onPick={({ label, amountMilli }) => {
            setAmount(formatCredits(amountMilli).replaceAll(',', ''));
            setText(label);
          }}
        />
        <Field
          label="Amount"
          unit="credits"
          inputMode="decimal"
          autoComplete="off"
          value={amount}
          error={error}
          hint={
            balance === undefined ? undefined : <>You have {formatCreditsUnit(balance)} to spend.</>
          }
          data-testid="tip-amount"
          onChange={(event) => setAmount(event.target.value)}
        />
        <Field
          label="Message (optional)"
          value={text}
          maxLength={textMax}
          autoComplete="off"
          hint="Shown to everyone in the room."
          data-testid="tip-text"
          onChange={(event) => setText(event.target.value)}
        />
        <Field
          label="Private note (optional)"
          value={note}
          maxLength={noteMax}
          autoComplete="off"
          hint={`Only ${room.model.name} reads it.`}
          data-testid="tip-note"
          onChange={(event) => setNote(event.target.value)}
        />
        {isTooMuch ? <TopUpButton>Top up</TopUpButton> : null}
        {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
        <Button
          look="primary"
          size="large"
          type="submit"
          isBusy={isBusy}
          disabled={error !== undefined}
          data-testid="tip-send"
        >
          {amountMilli === undefined ? 'Send tip' : `Tip ${formatCredits(amountMilli)} credits`}
        </Button>
      </form>
    </Dialog>
  );
}
