// What an operator manages: applications, grants of credits and the state of the ledger.
import { call } from './http.js';
import { after } from './page.js';

export interface Application {
  /** User id of the applicant. */
  id: string;
  username: string;
  displayName: string;
  about: string;
  state: string;
  reason: string | null;
  createdAt: string;
  decidedAt: string | null;
}

export interface FinanceSummary {
  /** Sum of all ledger entries; anything but '0' is an alarm. */
  entriesSum: string;
  transfers: number;
  accounts: { name: string; balance: string }[];
}

export type ApplicationState = 'pending' | 'approved' | 'declined';

export const fetchApplications = (
  state: ApplicationState,
  cursor?: string,
): Promise<{ models: Application[]; next?: string }> =>
  call('GET', `/admin/models?state=${state}${after(cursor, '&')}`);

export const approveModel = (id: string): Promise<unknown> =>
  call('POST', `/admin/models/${encodeURIComponent(id)}/approve`, {});

export const declineModel = (id: string, reason: string): Promise<unknown> =>
  call('POST', `/admin/models/${encodeURIComponent(id)}/decline`, { reason });

export const grantCredits = (form: {
  username: string;
  amountMilli: string;
  reason: string;
  key: string;
}): Promise<{ userId: string; balance: string }> => call('POST', '/admin/grants', form);

export const fetchFinance = (): Promise<FinanceSummary> => call('GET', '/admin/finance/summary');
