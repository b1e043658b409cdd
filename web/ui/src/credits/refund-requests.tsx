// What was asked back, and what became of it.
import { fetchRefundRequests } from '../api/credits.js';
import type { RefundRequest } from '../api/credits.js';
import { formatDate } from '../format/clock.js';
import { formatCreditsUnit } from '../format/credits.js';
import { useStore } from '../state/use-store.js';
import { PagedTable } from './paged-table.js';
import { refundsAsked } from './refund-button.js';

const kinds: Record<RefundRequest['kind'], string> = {
  show: 'Paid show',
  tip: 'Tip',
  purchase: 'Purchase',
};

function outcome({ state, amountMilli, answer }: RefundRequest): string {
  if (state === 'open') return 'We are looking at it';
  const words =
    state === 'approved'
      ? `${amountMilli === null ? 'Credits' : formatCreditsUnit(amountMilli)} given back`
      : 'Declined';
  return answer === null || answer === '' ? words : `${words}: ${answer}`;
}

export function RefundRequests() {
  const asked = useStore(refundsAsked);
  return (
    <PagedTable
      key={asked}
      title="Refund requests"
      columns={['When', 'For', 'Outcome']}
      empty="You have not asked for a refund."
      load={async (cursor) => {
        const { requests, next } = await fetchRefundRequests(cursor);
        const rows = requests.map((one) => ({
          key: one.id,
          cells: [formatDate(one.createdAt), kinds[one.kind], outcome(one)],
        }));
        return { rows, next };
      }}
    />
  );
}
