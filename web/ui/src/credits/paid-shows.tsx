// Paid visits to shows: when, how long, what they cost.
import { fetchPaidShows } from '../api/credits.js';
import type { PaidShow } from '../api/credits.js';
import { formatCountdown, formatDate } from '../format/clock.js';
import { formatCredits, formatCreditsUnit } from '../format/credits.js';
import { PagedTable } from './paged-table.js';
import { RefundButton } from './refund-button.js';

function Cost({ show }: { show: PaidShow }) {
  const isOver = show.endedMs !== undefined;
  const isLeft = BigInt(show.chargedMilli) > BigInt(show.refundedMilli);
  return (
    <span className="order-state">
      {formatCredits(show.chargedMilli)}
      {show.refundedMilli === '0' ? null : (
        <span className="muted">{formatCreditsUnit(show.refundedMilli)} given back</span>
      )}
      {isOver && isLeft ? (
        <span className="order-links">
          <RefundButton kind="show" reference={show.sessionId} what="this show" />
        </span>
      ) : null}
    </span>
  );
}

export function PaidShows() {
  return (
    <PagedTable
      title="Paid shows"
      columns={['When', 'Time', 'Credits']}
      empty="You have not been in a paid show yet."
      load={async (cursor) => {
        const { items, next } = await fetchPaidShows(cursor);
        const rows = items.map((show) => ({
          key: show.sessionId,
          cells: [
            formatDate(new Date(show.openedMs).toISOString()),
            show.endedMs === undefined ? 'still on' : formatCountdown(show.billableMs / 1000),
            <Cost key="cost" show={show} />,
          ],
        }));
        return { rows, next };
      }}
    />
  );
}
