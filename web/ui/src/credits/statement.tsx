// What moved the wallet, the newest first.
import { fetchStatement } from '../api/credits.js';
import { formatDate } from '../format/clock.js';
import { formatCredits } from '../format/credits.js';
import { PagedTable } from './paged-table.js';

const names: Record<string, string> = {
  show: 'Paid show',
  show_fee: 'Paid show, site share',
  tip: 'Tip',
  tip_fee: 'Tip, site share',
  grant: 'Credits added',
  purchase: 'Credits bought',
  refund: 'Refund',
};

export function Statement() {
  return (
    <PagedTable
      title="Statement"
      columns={['When', 'What', 'Credits']}
      empty="Nothing has moved yet."
      load={async (cursor) => {
        const { entries, next } = await fetchStatement(cursor);
        const rows = entries.map((entry) => ({
          key: entry.id,
          cells: [
            formatDate(new Date(entry.bookedAtMs).toISOString()),
            names[entry.code] ?? entry.code,
            formatCredits(entry.amount),
          ],
        }));
        return { rows, next };
      }}
    />
  );
}
