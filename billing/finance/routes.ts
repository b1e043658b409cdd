// The finance part of the internal API: which call does what. api.ts checks each body against its
// schema before it comes here.
import { billingError } from '../errors.js';
import { checkUserId, get, pageOf, post, put, type Route } from '../route.js';
import type { Finance } from './finance.js';
import type { PayoutStep } from './payouts.js';
import * as schema from './schema.js';

export function financeRoutes(finance: Finance): readonly Route[] {
  return [
    ...creditRoutes(finance),
    ...walletRoutes(finance),
    ...payoutRoutes(finance),
    ...reportRoutes(finance),
  ];
}

function creditRoutes(finance: Finance): readonly Route[] {
  const { purchases, refunds, adjustments, campaigns } = finance;
  return [
    post('/v1/purchases', schema.purchaseRequest, (body) => purchases.capture(body)),
    post('/v1/purchases/refund', schema.purchaseRefundRequest, (body) => purchases.refund(body)),
    get('/v1/purchases', ({ query }) =>
      purchases.list({ ...pageOf(query), ...idOf(query, 'user') }),
    ),
    post('/v1/chargebacks', schema.chargebackRequest, (body) => purchases.chargeback(body)),
    post('/v1/refunds', schema.refundRequest, (body) => refunds.give(body)),
    post('/v1/adjustments', schema.adjustmentRequest, (body) => adjustments.request(body)),
    post('/v1/adjustments/:id/approve', schema.decisionRequest, ({ actor }, id) => {
      return adjustments.approve(checkUserId(id), actor);
    }),
    post('/v1/adjustments/:id/reject', schema.decisionRequest, ({ actor }, id) => {
      return adjustments.reject(checkUserId(id), actor);
    }),
    get('/v1/adjustments', ({ query }) =>
      adjustments.list({ ...pageOf(query), ...stateOf(query, ['pending', 'applied', 'rejected']) }),
    ),
    post('/v1/campaigns', schema.campaignRequest, (body) => campaigns.create(body)),
    get('/v1/campaigns', () => campaigns.list()),
    post('/v1/campaigns/:id/grants', schema.campaignGrantRequest, (body, id) => {
      return campaigns.grant(checkUserId(id), body);
    }),
  ];
}

function walletRoutes({ freezes, lots, earnings, statement }: Finance): readonly Route[] {
  return [
    post('/v1/wallets/:id/freeze', schema.freezeRequest, async (body, id) => {
      await freezes.set({ ...body, wallet: checkUserId(id), source: 'manual' });
      return {};
    }),
    get('/v1/wallets/:id/lots', ({ id }) => lots.of(checkUserId(id))),
    get('/v1/earnings/:id/days', ({ id, query }) => {
      const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''];
      return statement.days(checkUserId(id), from, to);
    }),
    get('/v1/earnings/:id/spans', ({ id, query }) => {
      return statement.spans(checkUserId(id), query.get('of') ?? '');
    }),
    get('/v1/earnings/:id/entries', ({ id, query }) => {
      return statement.entries(checkUserId(id), pageOf(query));
    }),
    put('/v1/performers/:id/terms', schema.performerTermsRequest, (body, id) => {
      return earnings.putTerms(checkUserId(id), body);
    }),
  ];
}

function payoutRoutes({ payouts }: Finance): readonly Route[] {
  const step = (name: PayoutStep): Route =>
    post(`/v1/payouts/:id/${name}`, schema.payoutStepRequest, (body, id) => {
      return payouts.step(checkUserId(id), name, body);
    });
  return [
    post('/v1/payouts', schema.payoutRequest, (body) => payouts.request(body)),
    get('/v1/payouts', ({ query }) =>
      payouts.list({
        ...pageOf(query),
        ...idOf(query, 'performer'),
        ...stateOf(query, schema.PAYOUT_STATES),
      }),
    ),
    ...(['approve', 'complete', 'fail', 'return'] as const).map(step),
  ];
}

function reportRoutes({ reports, audit }: Finance): readonly Route[] {
  return [
    get('/v1/reports/:id', ({ id, query }) => {
      const kind = schema.REPORT_KINDS.find((one) => one === id);
      if (kind === undefined) throw billingError('BILLING_NOT_FOUND', { path: `reports/${id}` });
      const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''];
      const format = query.get('format') ?? 'json';
      if (format === 'csv') return reports.csv(kind, from, to);
      if (format === 'json') return reports.make(kind, from, to);
      throw billingError('BILLING_BAD_REQUEST', { problem: 'format is json or csv' });
    }),
    get('/v1/sessions', ({ query }) =>
      reports.shows({
        ...pageOf(query, /^[0-9A-HJKMNP-TV-Z]{26}$/),
        ...idOf(query, 'viewer'),
        ...idOf(query, 'performer'),
      }),
    ),
    get('/v1/audit', ({ query }) => audit.list(pageOf(query))),
  ];
}

function idOf<K extends string>(query: URLSearchParams, name: K): Partial<Record<K, string>> {
  const value = query.get(name);
  return value === null ? {} : ({ [name]: checkUserId(value) } as Record<K, string>);
}

function stateOf(query: URLSearchParams, states: readonly string[]): { state?: string } {
  const state = query.get('state');
  if (state === null) return {};
  if (states.includes(state)) return { state };
  throw billingError('BILLING_BAD_REQUEST', { problem: `state is one of ${states.join(', ')}` });
}
