// Purchases of this account, the newest first.
import { fetchOrders } from '../api/credits.js';
import type { Order } from '../api/credits.js';
import { formatDate } from '../format/clock.js';
import { formatCredits } from '../format/credits.js';
import { formatPrice } from '../format/price.js';
import { PagedTable } from './paged-table.js';

const states: Record<Order['state'], string> = {
  open: 'Not paid',
  paid: 'Paid, credits follow',
  granted: 'Paid',
  failed: 'Failed',
};

export function Orders() {
  return (
    <PagedTable
      title="Purchases"
      columns={['When', 'Credits', 'Price', 'State']}
      empty="You have not bought credits yet."
      load={async (cursor) => {
        const { orders, next } = await fetchOrders(cursor);
        const rows = orders.map((order) => ({
          key: order.id,
          cells: [
            formatDate(order.createdAt),
            formatCredits(order.amountMilli),
            formatPrice(order.priceCents, order.currency),
            states[order.state],
          ],
        }));
        return { rows, next };
      }}
    />
  );
}
