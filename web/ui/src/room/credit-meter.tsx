// The running paid show: the countdown to the end of the credit.
import type { Entry } from '../api/rooms.js';
import { formatCountdown } from '../format/clock.js';
import { TopUpButton } from '../credits/top-up.js';
import { sessionStore } from '../session/session.js';
import { useNow } from '../state/use-now.js';
import { useSelected } from '../state/use-store.js';
import { ClockIcon } from '../ui/icons.js';
import { creditEndsAtMs, warnSec } from './credit-clock.js';

export function CreditMeter({ entry }: { entry: Entry }) {
  const balance = useSelected(sessionStore, (session) => session.balance);
  const price = entry.priceMilliPerMin ?? '0';
  const endsAtMs = creditEndsAtMs(entry, balance, price);
  const nowMs = useNow(1000, endsAtMs !== undefined);
  if (endsAtMs === undefined) return null;
  const leftSec = Math.max(0, (endsAtMs - nowMs) / 1000);
  const isLow = leftSec < warnSec;
  return (
    <div className={isLow ? 'credit-meter is-low' : 'credit-meter'} data-testid="credit-left">
      <ClockIcon />
      <span>
        <strong className="number">{formatCountdown(leftSec)}</strong> left
      </span>
      <TopUpButton look={isLow ? 'primary' : 'quiet'} size="small">
        Top up
      </TopUpButton>
      <span className="visually-hidden" role="status">
        {isLow ? 'Less than two minutes of credit left.' : ''}
      </span>
    </div>
  );
}
