// The spendable balance in the masthead. It glows for a moment when a push moves it.
import { useEffect, useRef, useState } from 'react';
import { formatCredits } from '../format/credits.js';
import { Link } from '../router/link.js';
import { creditsHref } from '../router/router.js';
import { sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { TicketIcon } from '../ui/icons.js';

export function BalanceChip() {
  const amount = useSelected(sessionStore, (session) => session.balance?.amount);
  const isAway = useSelected(sessionStore, (session) => session.isWalletAway);
  const previous = useRef(amount);
  const [moves, setMoves] = useState(0);
  useEffect(() => {
    if (previous.current !== undefined && previous.current !== amount) setMoves((n) => n + 1);
    previous.current = amount;
  }, [amount]);
  if (isAway === true) {
    return (
      <span className="balance" role="status" data-testid="wallet-away">
        Credits away
      </span>
    );
  }
  if (amount === undefined) return null;
  return (
    <Link
      key={moves}
      href={creditsHref()}
      className={moves > 0 ? 'balance number is-moving' : 'balance number'}
      title="Your credits"
    >
      <TicketIcon />
      <span className="visually-hidden">Balance in credits: </span>
      <span data-testid="balance" data-milli={amount}>
        {formatCredits(amount)}
      </span>
    </Link>
  );
}
