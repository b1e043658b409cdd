// Who has tipped most here.
import { formatCredits } from '../format/credits.js';
import { TicketIcon } from '../ui/icons.js';
import type { Leader } from './room-values.js';

export function LeaderList({ leaders }: { leaders: readonly Leader[] }) {
  if (leaders.length === 0) return null;
  return (
    <section aria-label="Top tippers" data-testid="leaders">
      <h3>Top tippers</h3>
      <ol className="leaders">
        {leaders.map(({ id, name, amountMilli }, at) => (
          <li key={id}>
            <span className="number muted">{at + 1}</span>
            <strong>{name}</strong>
            <span className="number leader-amount">
              <TicketIcon />
              {formatCredits(amountMilli)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
