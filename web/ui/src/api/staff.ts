// What staff manage beyond applications: accounts, running shows, reports, refunds, money, records.
import { call } from './http.js';
import { after } from './page.js';
import type { Payout } from './models.js';
import type { Report } from './moderation.js';

export interface StaffRoles {
  isAdmin: boolean;
  isFinance: boolean;
  isSupport: boolean;
  isModerator: boolean;
}

export interface StaffAccount extends StaffRoles {
  id: string;
  username: string;
  email: string;
  status: string;
  isModel: boolean;
  createdAt: string;
}

export interface RefundWish {
  id: string;
  username: string;
  kind: 'show' | 'tip' | 'purchase';
  ref: string;
  reason: string;
  state: 'open' | 'approved' | 'declined';
  /** The first of two persons to approve it, and what that one proposed; null = all. */
  proposedBy: string | null;
  amountMilli: string | null;
  createdAt: string;
}

export interface MoneyReport {
  columns: string[];
  rows: string[][];
  totals: string[];
}

export interface AuditEntry {
  id: string;
  actorId: string;
  actorName: string;
  action: string;
  subjectType: string;
  subjectId: string;
  /** Of accounts alone. */
  subjectName?: string;
  createdAt: string;
}

export interface Letter {
  id: string;
  to: string;
  subject: string;
  body: string;
  createdAt: string;
}

export interface Purchase {
  id: string;
  userId: string;
  provider: string;
  paymentRef: string;
  amountMilli: string;
  refundedMilli: string;
  chargeback?: string;
  createdMs: number;
}

export interface Campaign {
  id: string;
  name: string;
  budgetMilli: string;
  remainingMilli: string;
  expiresDays: number;
}

export interface Adjustment {
  id: string;
  state: 'applied' | 'pending' | 'rejected';
  userId: string;
  amountMilli: string;
  reasonCode: string;
  ticket: string;
  actor: string;
  createdMs: number;
}

const part = (text: string): string => encodeURIComponent(text);

export const fetchAccounts = (
  search: string,
  cursor?: string,
): Promise<{ users: StaffAccount[]; next?: string }> =>
  call('GET', `/admin/users?q=${part(search)}${after(cursor, '&')}`);
export const suspendAccount = (id: string, reason: string): Promise<unknown> =>
  call('POST', `/admin/users/${part(id)}/suspend`, { reason });
export const restoreAccount = (id: string): Promise<unknown> =>
  call('POST', `/admin/users/${part(id)}/restore`, {});
export const setRoles = (id: string, roles: Partial<StaffRoles>): Promise<unknown> =>
  call('PATCH', `/admin/users/${part(id)}/roles`, roles);

export const endShow = (slug: string, reason: string): Promise<unknown> =>
  call('POST', `/admin/rooms/${part(slug)}/end`, { reason });
export const redirectViewers = (slug: string, to: string): Promise<unknown> =>
  call('POST', `/admin/rooms/${part(slug)}/redirect`, { to });

export const fetchReports = (cursor?: string): Promise<{ reports: Report[]; next?: string }> =>
  call('GET', `/admin/reports${after(cursor)}`);
export const closeReport = (
  id: string,
  verdict: 'resolve' | 'dismiss',
  resolution: string,
): Promise<unknown> => call('POST', `/admin/reports/${part(id)}/${verdict}`, { resolution });

export const fetchRefundWishes = (
  cursor?: string,
): Promise<{ requests: RefundWish[]; next?: string }> =>
  call('GET', `/admin/refund-requests${after(cursor)}`);
export const approveRefund = (id: string): Promise<unknown> =>
  call('POST', `/admin/refund-requests/${part(id)}/approve`, {});
export const declineRefund = (id: string, answer: string): Promise<unknown> =>
  call('POST', `/admin/refund-requests/${part(id)}/decline`, { answer });

export type ReportKind = 'day' | 'model' | 'viewer' | 'studio';
const reportAt = (kind: ReportKind, from: string, to: string, more = ''): string =>
  `/admin/finance/reports/${kind}${more}?from=${from}&to=${to}`;
export const fetchMoneyReport = (
  kind: ReportKind,
  from: string,
  to: string,
): Promise<MoneyReport> => call('GET', reportAt(kind, from, to));
export const reportCsvHref = (kind: ReportKind, from: string, to: string): string =>
  `/api/v1${reportAt(kind, from, to, '/csv')}`;

interface Items<T> {
  items: T[];
  next?: string;
}
export const fetchAllPayouts = (cursor?: string): Promise<Items<Payout>> =>
  call('GET', `/admin/finance/payouts${after(cursor)}`);
export type PayoutStep = 'approve' | 'complete' | 'fail' | 'return';
export const stepPayout = (id: string, step: PayoutStep, reason: string): Promise<unknown> =>
  call('POST', `/admin/finance/payouts/${part(id)}/${step}`, reason === '' ? {} : { reason });
export const fetchPurchases = (cursor?: string): Promise<Items<Purchase>> =>
  call('GET', `/admin/finance/purchases${after(cursor)}`);
export const fetchAdjustments = (cursor?: string): Promise<Items<Adjustment>> =>
  call('GET', `/admin/finance/adjustments${after(cursor)}`);
export const decideAdjustment = (id: string, verdict: 'approve' | 'reject'): Promise<unknown> =>
  call('POST', `/admin/finance/adjustments/${part(id)}/${verdict}`, {});
export const fetchCampaigns = (
  cursor?: string,
): Promise<{ campaigns: Campaign[]; next?: string }> =>
  call('GET', `/admin/finance/campaigns${after(cursor)}`);

export const fetchAudit = (cursor?: string): Promise<{ entries: AuditEntry[]; next?: string }> =>
  call('GET', `/admin/audit${after(cursor)}`);
export const fetchMailbox = (): Promise<{ mails: Letter[] }> => call('GET', '/admin/mailbox');
