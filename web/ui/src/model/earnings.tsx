// What the show has earned: sums, days with a chart, shows, the statement. All of it comes from the
// ledger, after the share of the house.
import { useMemo, useState } from 'react';
import { fetchEarnedDays, fetchEarnedShows, fetchEarnings, statementHref } from '../api/models.js';
import type { EarnedDay, EarnedShow, EarningsSummary, ModelDesk } from '../api/models.js';
import { formatDate, formatDay } from '../format/clock.js';
import { formatCredits } from '../format/credits.js';
import { useLoad } from '../state/use-load.js';
import { usePages } from '../state/use-pages.js';
import { useStore } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Chart } from '../ui/chart.js';
import { Notice } from '../ui/notice.js';
import { PageList } from '../ui/page-list.js';
import { Select } from '../ui/select.js';
import { chartOf, lastDays } from './earned-days.js';
import { payoutsAsked } from './payouts.js';

interface EarningsProps {
  earnings: ModelDesk['earnings'];
  onReload: () => void;
}

/** Earned and not yet paid out, wherever it stands. */
function unpaid({ earnings, summary }: FiguresProps): string {
  if (!summary) return earnings.pending;
  const { available, pending, inFlight } = summary;
  return String(BigInt(available) + BigInt(pending) + BigInt(inFlight));
}

function Figures({ earnings, summary }: FiguresProps) {
  const more: [string, string][] = summary
    ? [
        ['Ready for payout', summary.available],
        ['Still held', summary.pending],
        ['On the way', summary.inFlight],
        ['Paid out', summary.paid],
      ]
    : [];
  return (
    <dl className="figures">
      <div>
        <dt>Total, in credits</dt>
        <dd className="number" data-testid="earnings-total">
          {formatCredits(earnings.total)}
        </dd>
      </div>
      <div>
        <dt>Not yet paid out</dt>
        <dd className="number" data-testid="earnings-pending">
          {formatCredits(unpaid({ earnings, summary }))}
        </dd>
      </div>
      {more.map(([name, milli]) => (
        <div key={name} className="figure-small">
          <dt>{name}</dt>
          <dd className="number">{formatCredits(milli)}</dd>
        </div>
      ))}
    </dl>
  );
}

interface FiguresProps {
  earnings: NonNullable<ModelDesk['earnings']>;
  summary: EarningsSummary | undefined;
}

const dayColumns = ['Shows', 'Tips', 'Given back', 'Earned'];

function Days({ days }: { days: readonly EarnedDay[] }) {
  const shown = days.filter((one) => one.netMilli !== '0' || one.refundedMilli !== '0').reverse();
  if (shown.length === 0) return <p className="muted">Nothing was booked on these days.</p>;
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Earned by day">
      <table className="table" data-testid="earned-days">
        <thead>
          <tr>
            <th scope="col">Day</th>
            {dayColumns.map((name) => (
              <th key={name} scope="col" className="cell-number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={one.day}>
              <td>{formatDay(`${one.day}T12:00:00`)}</td>
              {[one.showsMilli, one.tipsMilli, one.refundedMilli, one.netMilli].map((milli, at) => (
                <td key={dayColumns[at]} className="cell-number number">
                  {formatCredits(milli)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function showWords({ showType, startedAt, endedAt, viewersMax }: EarnedShow): string {
  const end = endedAt === null ? '' : ` – ${formatDate(endedAt)}`;
  return `${formatDate(startedAt)}${end} · ${showType} · ${String(viewersMax)} viewers at most`;
}

function Shows() {
  const pages = usePages(async (cursor) => {
    const { shows, next } = await fetchEarnedShows(cursor);
    return { items: shows, next };
  }, []);
  return (
    <PageList
      pages={pages}
      empty="No show was on the air yet."
      row={(one) => (
        <li key={one.id} className="application" data-testid="earned-show">
          <div className="panel-head">
            <h3>{one.title === '' ? 'Show' : one.title}</h3>
            <strong className="number">
              {formatCredits(BigInt(one.showsMilli) + BigInt(one.tipsMilli))}
            </strong>
          </div>
          <p className="muted">
            {showWords(one)} · {formatCredits(one.tipsMilli)} of it in tips
          </p>
        </li>
      )}
    />
  );
}

const spans = [
  ['14', 'Last 14 days'],
  ['30', 'Last 30 days'],
  ['90', 'Last 90 days'],
] as const;

function Earned({ total }: { total: string | undefined }) {
  const [span, setSpan] = useState<(typeof spans)[number][0]>('14');
  const [isByShow, setByShow] = useState(false);
  const { from, to } = lastDays(Number(span), new Date());
  const { data, problem } = useLoad(() => fetchEarnedDays(from, to), [from, to, total]);
  const chart = useMemo(() => chartOf(data?.days ?? []), [data]);
  return (
    <>
      <div className="field-pair">
        <Select label="Time" value={span} options={spans} testId="earned-span" onChange={setSpan} />
      </div>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {data ? <Chart data={chart} /> : null}
      <div className="row">
        <div className="segmented" role="group" aria-label="Show by">
          <button
            type="button"
            aria-pressed={!isByShow}
            data-testid="earned-by-day"
            onClick={() => setByShow(false)}
          >
            By day
          </button>
          <button
            type="button"
            aria-pressed={isByShow}
            data-testid="earned-by-show"
            onClick={() => setByShow(true)}
          >
            By show
          </button>
        </div>
        <a
          className="button button-plain button-normal"
          href={statementHref(from, to)}
          download
          data-testid="statement-csv"
        >
          Statement (CSV)
        </a>
      </div>
      {isByShow ? <Shows /> : <Days days={data?.days ?? []} />}
      <p className="muted">
        After the share of the house. Days are UTC days of booking; the statement uses the time zone
        of your room.
      </p>
    </>
  );
}

export function Earnings({ earnings, onReload }: EarningsProps) {
  const total = earnings?.total;
  const asked = useStore(payoutsAsked);
  const { data: summary } = useLoad(fetchEarnings, [total, asked]);
  return (
    <section className="panel stack" aria-label="Earnings">
      <h2>Earnings</h2>
      {earnings === null ? (
        <>
          <Notice tone="info">Earnings cannot be read at the moment. Nothing is lost.</Notice>
          <div>
            <Button size="small" onClick={onReload}>
              Try again
            </Button>
          </div>
        </>
      ) : (
        <Figures earnings={earnings} summary={summary} />
      )}
      <Earned total={total} />
    </section>
  );
}
