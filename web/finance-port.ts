// The finance half of billing as the site uses it: the methods of the typed client, their faults
// turned into those of the site. Used by backing.ts and the tests.
import type { BillingClient } from '../billing/index.js';
import { AppError } from '../cluster/index.js';
import { commandKey } from './rooms/command-key.js';

/** Rejects with FINANCE_REFUSED, BILLING_UNAVAILABLE and the refusals of billing-port.ts. */
export type Finance = Pick<
  BillingClient,
  | 'purchase'
  | 'refundPurchase'
  | 'chargeback'
  | 'listPurchases'
  | 'refund'
  | 'adjust'
  | 'approveAdjustment'
  | 'rejectAdjustment'
  | 'listAdjustments'
  | 'freezeWallet'
  | 'getLots'
  | 'getLimits'
  | 'putLimits'
  | 'createCampaign'
  | 'listCampaigns'
  | 'grantFromCampaign'
  | 'getEarnings'
  | 'getEarningsDays'
  | 'getEarningsSpans'
  | 'listEarningsEntries'
  | 'putPerformerTerms'
  | 'requestPayout'
  | 'listPayouts'
  | 'approvePayout'
  | 'completePayout'
  | 'failPayout'
  | 'returnPayout'
  | 'getReport'
  | 'getReportCsv'
  | 'listSessions'
  | 'listAudit'
>;

/** A wish that was refused so often waits for a person. */
const ATTEMPTS_MAX = 100;

/**
 * For wishes that outlive a refusal: a report of a provider that comes again, a refund that another
 * person approves. Billing's refusal holds for its key, under which nothing was done or will be;
 * the wish goes on under the next key. A key whose answer was lost is never left.
 */
async function anew<R extends { readonly key: string }, T>(
  request: R,
  send: (request: R) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const key = attempt === 1 ? request.key : commandKey('again', request.key, String(attempt));
    try {
      return await send({ ...request, key });
    } catch (thrown) {
      const isUsedUp = thrown instanceof AppError && thrown.details['wasRefused'] === true;
      if (!isUsedUp || attempt === ATTEMPTS_MAX) throw thrown;
    }
  }
}

type Ask = <T>(question: (billing: BillingClient) => Promise<T>) => Promise<T>;

/** @param ask asks billing and translates what it throws. */
export function createFinancePort(ask: Ask): Finance {
  return {
    purchase: (request) => ask((billing) => billing.purchase(request)),
    refundPurchase: (request) =>
      ask((billing) => anew(request, (one) => billing.refundPurchase(one))),
    chargeback: (request) => ask((billing) => billing.chargeback(request)),
    listPurchases: (filter) => ask((billing) => billing.listPurchases(filter)),
    refund: (request) => ask((billing) => anew(request, (one) => billing.refund(one))),
    adjust: (request) => ask((billing) => billing.adjust(request)),
    approveAdjustment: (id, actor) => ask((billing) => billing.approveAdjustment(id, actor)),
    rejectAdjustment: (id, actor) => ask((billing) => billing.rejectAdjustment(id, actor)),
    listAdjustments: (filter) => ask((billing) => billing.listAdjustments(filter)),
    freezeWallet: (userId, request) => ask((billing) => billing.freezeWallet(userId, request)),
    getLots: (userId) => ask((billing) => billing.getLots(userId)),
    getLimits: (userId) => ask((billing) => billing.getLimits(userId)),
    putLimits: (userId, limits) => ask((billing) => billing.putLimits(userId, limits)),
    createCampaign: (request) => ask((billing) => billing.createCampaign(request)),
    listCampaigns: () => ask((billing) => billing.listCampaigns()),
    grantFromCampaign: (id, request) => ask((billing) => billing.grantFromCampaign(id, request)),
    getEarnings: (userId) => ask((billing) => billing.getEarnings(userId)),
    getEarningsDays: (userId, range) => ask((billing) => billing.getEarningsDays(userId, range)),
    getEarningsSpans: (userId, spans) => ask((billing) => billing.getEarningsSpans(userId, spans)),
    listEarningsEntries: (userId, page) =>
      ask((billing) => billing.listEarningsEntries(userId, page)),
    putPerformerTerms: (id, terms) => ask((billing) => billing.putPerformerTerms(id, terms)),
    requestPayout: (request) => ask((billing) => billing.requestPayout(request)),
    listPayouts: (filter) => ask((billing) => billing.listPayouts(filter)),
    approvePayout: (id, step) => ask((billing) => billing.approvePayout(id, step)),
    completePayout: (id, step) => ask((billing) => billing.completePayout(id, step)),
    failPayout: (id, step) => ask((billing) => billing.failPayout(id, step)),
    returnPayout: (id, step) => ask((billing) => billing.returnPayout(id, step)),
    getReport: (kind, range) => ask((billing) => billing.getReport(kind, range)),
    getReportCsv: (kind, range) => ask((billing) => billing.getReportCsv(kind, range)),
    listSessions: (filter) => ask((billing) => billing.listSessions(filter)),
    listAudit: (page) => ask((billing) => billing.listAudit(page)),
  };
}
