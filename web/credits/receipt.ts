// What a buyer gets on paper: a receipt of a paid order, as data and as a page without script. Used
// by the wallet routes. Invariant: text stays text, whatever stands in it.
import type { Purchase } from '../db/entities/purchase.js';
import { siteError } from '../errors.js';

export interface Receipt {
  readonly number: string;
  readonly seller: string;
  readonly buyer: string;
  readonly item: string;
  readonly amountMilli: string;
  readonly priceCents: number;
  readonly currency: string;
  readonly provider: string;
  readonly providerRef: string;
  /** ISO 8601. */
  readonly paidAt: string;
  readonly refundedMilli: string;
}

/** @throws PURCHASE_NOT_FOUND for an order that nobody paid */
export function receiptOf(order: Purchase, names: { buyer: string; seller: string }): Receipt {
  if (order.paidAt === null) throw siteError('PURCHASE_NOT_FOUND');
  const { id, amountMilli, priceCents, currency, provider, providerRef, refundedMilli } = order;
  return {
    ...names,
    number: id,
    item: `${credits(amountMilli)} credits`,
    ...{ amountMilli, priceCents, currency, provider, refundedMilli },
    providerRef: providerRef ?? '',
    paidAt: order.paidAt.toISOString(),
  };
}

export function receiptPage(receipt: Receipt): string {
  const { seller, buyer, item, number, currency, provider, providerRef, paidAt } = receipt;
  const price = `${(receipt.priceCents / 100).toFixed(2)} ${currency}`;
  const lines: [string, string][] = [
    ['Receipt', number],
    ['Sold by', seller],
    ['Sold to', buyer],
    ['Item', item],
    ['Price', price],
    ['Paid', `${paidAt.slice(0, 16).replace('T', ' ')} UTC`],
    ['Paid through', `${provider} ${providerRef}`],
    ...(receipt.refundedMilli === '0'
      ? []
      : [['Given back', `${credits(receipt.refundedMilli)} credits`] as [string, string]]),
  ];
  const rows = lines.map(([name, value]) => `<tr><th>${name}</th><td>${escape(value)}</td></tr>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Receipt ${escape(number)}</title></head>
<body><h1>${escape(seller)}</h1><table>${rows.join('')}</table></body></html>`;
}

function credits(milli: string): string {
  return String(Number(milli) / 1_000);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
