// What staff does with money: refunds, campaigns, adjustments, chargebacks. Each command has a key.
import { call } from './http.js';
import { after } from './page.js';
import type { Adjustment } from './staff.js';

export interface Refund {
  id: string;
  kind: 'show' | 'tip';
  ref: string;
  /** Null = all of it. */
  amountMilli: string | null;
  reason: string;
  state: 'waiting' | 'done' | 'declined';
  returnedMilli: string | null;
  askedBy: string;
  decidedBy: string | null;
  createdAt: string;
}

export const giveRefund = (form: {
  key: string;
  kind: Refund['kind'];
  ref: string;
  amountMilli?: string;
  reason: string;
}): Promise<{ refund: Refund }> => call('POST', '/admin/refunds', form);

export const fetchRefunds = (cursor?: string): Promise<{ refunds: Refund[]; next?: string }> =>
  call('GET', `/admin/refunds${after(cursor)}`);

export const decideRefund = (id: string, verdict: 'approve' | 'decline'): Promise<unknown> =>
  call('POST', `/admin/refunds/${encodeURIComponent(id)}/${verdict}`, {});

export const createCampaign = (form: {
  key: string;
  name: string;
  budgetMilli: string;
  expiresDays: number;
  paysPerformer: boolean;
}): Promise<unknown> => call('POST', '/admin/finance/campaigns', form);

export const grantFromCampaign = (
  id: string,
  form: { key: string; username: string; amountMilli: string },
): Promise<{ balance: string }> =>
  call('POST', `/admin/finance/campaigns/${encodeURIComponent(id)}/grants`, form);

export const adjust = (form: {
  key: string;
  username: string;
  amountMilli: string;
  reasonCode: string;
  ticket: string;
}): Promise<{ adjustment: Adjustment }> => call('POST', '/admin/finance/adjustments', form);

export type ChargebackState = 'opened' | 'won' | 'lost';
export const noteChargeback = (form: {
  key: string;
  paymentRef: string;
  state: ChargebackState;
}): Promise<{ state: string; isFrozen: boolean; debtMilli: string }> =>
  call('POST', '/admin/finance/chargebacks', form);
