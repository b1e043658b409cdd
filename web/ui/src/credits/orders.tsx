// Purchases of this account, the newest first, each with its receipt.
import { fetchOrders, receiptHref } from '../api/credits.js';
import type { Order } from '../api/credits.js';
import { formatDate } from '../format/clock.js';
import { formatCredits, formatCreditsUnit } from '../format/credits.js';
import { formatPrice } from '../format/price.js';
import { PagedTable } from './paged-table.js';
import { RefundButton } from './refund-button.js';

const states: Record<Order['state'], string> = {
  open: 'Not paid',
  paid: 'Paid, credits follow',
  granted: 'Paid',
  failed: 'Failed',
};

function State({ order }: { order: Order }) {
  const isPaid = order.state === 'granted';
  return (
    <span className="order-state">
      {order.dispute === 'opened' ? 'Called back' : states[order.state]}
      {order.refundedMilli === '0' ? null : (
        <span className="muted">{formatCreditsUnit(order.refundedMilli)} given back</span>
      )}
      {isPaid ? (
        <span className="order-links">
          <a href={receiptHref(order.id)} target="_blank" rel="noopener">
            Receipt<span className="visually-hidden"> of {formatDate(order.createdAt)}</span>
          </a>
          {order.refundedMilli === order.amountMilli ? null : (
            <RefundButton kind="purchase" reference={order.id} what="this purchase" />
          )}
        </span>
      ) : null}
    </span>
  );
}

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
            <State key="state" order={order} />,
          ],
        }));
        return { rows, next };
      }}
    />
  );
}
