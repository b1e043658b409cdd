// Topping up without leaving the room: a button, and the dialog with the packages behind it.
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { fetchPackages } from '../api/credits.js';
import { formatCredits, formatCreditsUnit } from '../format/credits.js';
import { formatPrice } from '../format/price.js';
import { sessionStore } from '../session/session.js';
import { useLoad } from '../state/use-load.js';
import { useSelected } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { TicketIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';
import { RetryNotice } from '../ui/retry-notice.js';
import { useTopUp } from './checkout.js';
import type { Purchase } from './checkout.js';
import '../styles/top-up.css';

interface TopUpProps {
  onClose: () => void;
  /** The credits have arrived. */
  onDone: () => void;
}

/** Closes the purchase in the other window: the wallet has grown. */
function useArrival(purchase: Purchase, onDone: () => void): boolean {
  const amount = useSelected(sessionStore, (session) => session.balance?.amount);
  const before = useRef<string>(undefined);
  const isWaiting = purchase.at === 'elsewhere';
  const [hasArrived, setArrived] = useState(false);
  useEffect(() => {
    if (!isWaiting || amount === undefined) return;
    before.current ??= amount;
    if (BigInt(amount) <= BigInt(before.current) || hasArrived) return;
    setArrived(true);
    onDone();
  }, [isWaiting, amount, hasArrived, onDone]);
  return hasArrived;
}

function Outcome({ purchase, hasArrived }: { purchase: Purchase; hasArrived: boolean }) {
  if (purchase.at === 'failed') return <Notice tone="error">{purchase.problem}</Notice>;
  if (purchase.at === 'done' || hasArrived) {
    const amount = 'order' in purchase ? purchase.order.amountMilli : '0';
    return <Notice tone="done">{formatCreditsUnit(amount)} are in your wallet.</Notice>;
  }
  if (purchase.at !== 'elsewhere') return null;
  return (
    <Notice tone="info">
      Pay in the window that has opened. The show goes on here, and your balance moves as soon as
      the payment is through.
    </Notice>
  );
}

export function TopUpDialog({ onClose, onDone }: TopUpProps) {
  const { data, problem, reload } = useLoad(fetchPackages, []);
  const { purchase, buy } = useTopUp(onDone);
  const hasArrived = useArrival(purchase, onDone);
  const balance = useSelected(sessionStore, (session) => session.balance?.amount);
  const busyId = purchase.at === 'busy' ? purchase.packageId : undefined;
  return (
    <Dialog title="Top up" onClose={onClose}>
      <div className="stack" data-testid="top-up">
        {balance === undefined ? null : <p>You have {formatCreditsUnit(balance)}.</p>}
        <Outcome purchase={purchase} hasArrived={hasArrived} />
        <RetryNotice problem={problem} onRetry={reload} />
        <ul className="top-up-list">
          {data?.packages.map((item) => (
            <li key={item.id}>
              <Button
                size="large"
                icon={<TicketIcon />}
                isBusy={busyId === item.id}
                disabled={busyId !== undefined}
                onClick={() => buy(item.id)}
                data-testid={`top-up-${item.id}`}
              >
                <span className="top-up-amount number">{formatCredits(item.amountMilli)}</span>
                <span className="number">{formatPrice(item.priceCents, item.currency)}</span>
              </Button>
            </li>
          ))}
        </ul>
        <Button look={purchase.at === 'done' || hasArrived ? 'primary' : 'quiet'} onClick={onClose}>
          {purchase.at === 'done' || hasArrived ? 'Back to the show' : 'Not now'}
        </Button>
      </div>
    </Dialog>
  );
}

interface TopUpButtonProps {
  look?: 'primary' | 'plain' | 'quiet';
  size?: 'small' | 'normal' | 'large';
  onDone?: () => void;
  children: ReactNode;
}

const nothing = (): void => undefined;

export function TopUpButton({ look, size, onDone = nothing, children }: TopUpButtonProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        look={look ?? 'plain'}
        size={size ?? 'normal'}
        onClick={() => setOpen(true)}
        data-testid="top-up-open"
      >
        {children}
      </Button>
      {isOpen ? <TopUpDialog onClose={() => setOpen(false)} onDone={onDone} /> : null}
    </>
  );
}
