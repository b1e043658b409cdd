// What an operator manages: applications, grants of credits and the state of the ledger.
import { call } from './http.js';

export interface Application {
  id: string;
  username: string;
  displayName?: string;
  about?: string | null;
  state: string;
  reason?: string | null;
  createdAt?: string;
}

export interface FinanceSummary {
  entriesSum: string;
  accounts: { name: string; balance: string }[] | Record<string, string>;
}

export const fetchApplications = async (state: string): Promise<Application[]> => {
  const answer = await call<Application[] | { models: Application[] }>(
    'GET',
    `/admin/models?state=${encodeURIComponent(state)}`,
  );
  return Array.isArray(answer) ? answer : answer.models;
};

export const approveModel = (id: string): Promise<unknown> =>
  call('POST', `/admin/models/${encodeURIComponent(id)}/approve`, {});

export const declineModel = (id: string, reason: string): Promise<unknown> =>
  call('POST', `/admin/models/${encodeURIComponent(id)}/decline`, { reason });

export const grantCredits = (form: {
  username: string;
  amountMilli: string;
  reason: string;
  key: string;
}): Promise<unknown> => call('POST', '/admin/grants', form);

export const fetchFinance = (): Promise<FinanceSummary> => call('GET', '/admin/finance/summary');

export function listAccounts(summary: FinanceSummary): { name: string; balance: string }[] {
  if (Array.isArray(summary.accounts)) return summary.accounts;
  return Object.entries(summary.accounts).map(([name, balance]) => ({ name, balance }));
}
