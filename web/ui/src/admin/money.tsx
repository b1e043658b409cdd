// The house's money: totals per day, model or viewer with CSV, payouts, purchases, campaigns,
// corrections.
import { useState } from 'react';
import {
  decideAdjustment,
  fetchAdjustments,
  fetchAllPayouts,
  fetchCampaigns,
  fetchMoneyReport,
  fetchPurchases,
  reportCsvHref,
  stepPayout,
} from '../api/staff.js';
import type { PayoutStep, Purchase, ReportKind } from '../api/staff.js';
import type { Payout } from '../api/models.js';
import { formatDate } from '../format/clock.js';
import { formatCredits } from '../format/credits.js';
import { dayOf } from '../model/earned-days.js';
import { payoutStates } from '../model/payouts.js';
import { PagedTable } from '../credits/paged-table.js';
import { useLoad } from '../state/use-load.js';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { PageList } from '../ui/page-list.js';
import { Select } from '../ui/select.js';
import { AdjustmentForm, CampaignForm, CampaignGrant, ChargebackForm } from './money-forms.js';
import { Proposals } from './proposals.js';
import { reportCell, reportHeading } from './report-words.js';
import { useDecisions } from './use-decisions.js';

const kinds = [
  ['day', 'Per day'],
  ['model', 'Per model'],
  ['viewer', 'Per viewer'],
  ['studio', 'Per studio'],
] as const;

const when = (atMs: number): string => formatDate(new Date(atMs).toISOString());

function ReportTable({ kind, from, to }: { kind: ReportKind; from: string; to: string }) {
  const { data, problem } = useLoad(() => fetchMoneyReport(kind, from, to), [kind, from, to]);
  if (problem) return <Notice tone="error">{problem.message}</Notice>;
  if (!data) return null;
  const { columns, rows, totals } = data;
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Totals">
      <table className="table table-wide" data-testid="money-report">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {reportHeading(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join()}>
              {row.map((value, at) => (
                <td key={columns[at]} className="number">
                  {reportCell(columns[at] ?? '', value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            {totals.map((value, at) => (
              <td key={columns[at]} className="number">
                {reportCell(columns[at] ?? '', value)}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

export function Totals() {
  const [kind, setKind] = useState<ReportKind>('day');
  const [from, setFrom] = useState(() => dayOf(new Date(Date.now() - 13 * 86_400_000)));
  const [to, setTo] = useState(() => dayOf(new Date()));
  return (
    <section className="panel stack" aria-label="Totals">
      <div className="panel-head">
        <h2>Totals</h2>
        <a className="button button-small" href={reportCsvHref(kind, from, to)} download>
          CSV
        </a>
      </div>
      <Select label="Sums" value={kind} options={kinds} onChange={setKind} />
      <div className="field-pair">
        <Field
          label="From"
          type="date"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
        <Field label="To" type="date" value={to} onChange={(event) => setTo(event.target.value)} />
      </div>
      {from === '' || to === '' ? null : <ReportTable kind={kind} from={from} to={to} />}
    </section>
  );
}

const steps: Partial<Record<Payout['state'], [PayoutStep, string][]>> = {
  requested: [
    ['approve', 'Approve'],
    ['fail', 'Refuse'],
  ],
  in_flight: [
    ['complete', 'Has arrived'],
    ['fail', 'Has failed'],
  ],
  paid: [['return', 'Came back']],
};

export function PayoutQueue() {
  const pages = usePages(fetchAllPayouts, []);
  const { isBusy, ask, run, view } = useDecisions(pages.reload);
  return (
    <section className="panel stack" aria-label="Payouts">
      <h2>Payouts</h2>
      {view}
      <PageList
        pages={pages}
        empty="Nobody has asked yet."
        row={(one) => (
          <li key={one.id} className="application" data-testid="payout-row">
            <div className="application-head">
              <h3 className="number">
                {formatCredits(one.amountMilli)} to performer {one.performerId}
              </h3>
              <p className="muted">
                {payoutStates[one.state]} · {one.method} · {when(one.createdMs)}
              </p>
            </div>
            <div className="row">
              {(steps[one.state] ?? []).map(([step, words]) => (
                <Button
                  key={step}
                  size="small"
                  isBusy={isBusy}
                  onClick={() =>
                    step === 'approve' || step === 'complete'
                      ? run(stepPayout(one.id, step, ''))
                      : ask({
                          title: words,
                          verb: words,
                          run: (why) => stepPayout(one.id, step, why),
                        })
                  }
                >
                  {words}
                </Button>
              ))}
            </div>
          </li>
        )}
      />
    </section>
  );
}

export function Corrections() {
  const pages = usePages(fetchAdjustments, []);
  return (
    <>
      <AdjustmentForm onDone={pages.reload} />
      <Proposals
        title="Adjustments"
        testId="adjustment-row"
        empty="There is none."
        pages={pages}
        words={(one) => (
          <p className="number">
            {formatCredits(one.amountMilli)} for account {one.userId} · {one.reasonCode} ·{' '}
            {one.ticket} · {one.state} · by account {one.actor}
          </p>
        )}
        verdictsOf={({ id, state }) =>
          state !== 'pending'
            ? undefined
            : {
                approve: () => decideAdjustment(id, 'approve'),
                refuse: () => decideAdjustment(id, 'reject'),
                refuseWords: 'Reject',
              }
        }
      />
    </>
  );
}

export function Sales() {
  const [news, setNews] = useState(0);
  return (
    <>
      <PagedTable
        key={news}
        title="Purchases"
        columns={['When', 'Account', 'Payment', 'Credits']}
        empty="Nothing was bought yet."
        load={async (cursor) => {
          const { items, next } = await fetchPurchases(cursor);
          return { rows: items.map(purchaseRow), next };
        }}
      />
      <ChargebackForm onDone={() => setNews((count) => count + 1)} />
    </>
  );
}

function purchaseRow(one: Purchase) {
  const news = one.chargeback === undefined ? '' : `, chargeback ${one.chargeback}`;
  const back = one.refundedMilli === '0' ? '' : `, ${formatCredits(one.refundedMilli)} back`;
  return {
    key: one.id,
    cells: [
      when(one.createdMs),
      one.userId,
      <span key="ref" className="id-text">
        {one.paymentRef.startsWith(one.provider) ? null : `${one.provider} `}
        {one.paymentRef}
        {news}
      </span>,
      `${formatCredits(one.amountMilli)}${back}`,
    ],
  };
}

export function Campaigns() {
  const pages = usePages(async (cursor) => {
    const { campaigns, next } = await fetchCampaigns(cursor);
    return { items: campaigns, next };
  }, []);
  return (
    <>
      <section className="panel stack" aria-label="Campaigns">
        <h2>Campaigns</h2>
        <PageList
          pages={pages}
          empty="There is no campaign."
          row={(one) => (
            <li key={one.id} className="application" data-testid="campaign-row">
              <div className="application-head">
                <h3>{one.name}</h3>
                <p className="muted number">
                  {formatCredits(one.remainingMilli)} of {formatCredits(one.budgetMilli)} credits
                  left ·{' '}
                  {one.expiresDays === 0 ? 'does not end' : `ends after ${one.expiresDays} days`}
                </p>
              </div>
            </li>
          )}
        />
      </section>
      <CampaignGrant campaigns={pages.items ?? []} onDone={pages.reload} />
      <CampaignForm onDone={pages.reload} />
    </>
  );
}
