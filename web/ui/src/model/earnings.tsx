// What the show has earned: sums, paid visits per day with a chart, the visits, the statement.
import { useMemo, useState } from 'react';
import { fetchEarnedShows, fetchEarnings } from '../api/models.js';
import type { EarnedShow, EarningsSummary, ModelDesk } from '../api/models.js';
import { formatDate, formatDay, formatSpan } from '../format/clock.js';
import { formatCredits } from '../format/credits.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Chart } from '../ui/chart.js';
import { Notice } from '../ui/notice.js';
import { earnedByDay, paidFor, statementCsv } from './earned-days.js';
import type { EarnedDay } from './earned-days.js';

interface EarningsProps {
  earnings: ModelDesk['earnings'];
  onReload: () => void;
}

const days = 14;
const pagesMax = 8;

/** All visits of the shown days, at most 400. */
async function fetchRecentShows(): Promise<EarnedShow[]> {
  const sinceMs = Date.now() - days * 86_400_000;
  const shows: EarnedShow[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const { items, next } = await fetchEarnedShows(cursor);
    shows.push(...items);
    cursor = next;
    const oldest = items.at(-1);
    if (cursor === undefined || oldest === undefined || oldest.openedMs < sinceMs) break;
  }
  return shows;
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
          {formatCredits(earnings.pending)}
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

function Days({ rows }: { rows: readonly EarnedDay[] }) {
  const shown = rows.filter((row) => row.visits > 0).reverse();
  if (shown.length === 0) return null;
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Paid visits by day">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="cell-number">
              Visits
            </th>
            <th scope="col" className="cell-number">
              Time
            </th>
            <th scope="col" className="cell-number">
              Viewers paid
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={row.day}>
              <td>{formatDay(`${row.day}T12:00:00`)}</td>
              <td className="cell-number number">{row.visits}</td>
              <td className="cell-number number">{formatSpan(row.billableMs)}</td>
              <td className="cell-number number">{formatCredits(row.paidMilli)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Visits({ shows }: { shows: readonly EarnedShow[] }) {
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Paid visits">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Began</th>
            <th scope="col" className="cell-number">
              Time
            </th>
            <th scope="col" className="cell-number">
              Viewer paid
            </th>
          </tr>
        </thead>
        <tbody>
          {shows.slice(0, 20).map((show) => (
            <tr key={show.sessionId}>
              <td>{formatDate(new Date(show.openedMs).toISOString())}</td>
              <td className="cell-number number">{formatSpan(show.billableMs)}</td>
              <td className="cell-number number">{formatCredits(paidFor(show))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function saveStatement(shows: readonly EarnedShow[]): void {
  const url = URL.createObjectURL(new Blob([statementCsv(shows)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `statement-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}

function PaidVisits({ shows }: { shows: readonly EarnedShow[] }) {
  const [isByVisit, setByVisit] = useState(false);
  const rows = useMemo(() => earnedByDay(shows, days, new Date()), [shows]);
  const chart = useMemo(
    () => ({
      atSec: rows.map((row) => row.atSec),
      values: rows.map((row) => Number(row.paidMilli) / 1000),
      label: 'Credits',
    }),
    [rows],
  );
  if (shows.length === 0) return <p className="muted">No paid visit in the last {days} days.</p>;
  return (
    <>
      <h3>Paid visits, last {days} days</h3>
      <Chart data={chart} />
      <div className="row">
        <div className="segmented" role="group" aria-label="Show by">
          <button type="button" aria-pressed={!isByVisit} onClick={() => setByVisit(false)}>
            By day
          </button>
          <button type="button" aria-pressed={isByVisit} onClick={() => setByVisit(true)}>
            By visit
          </button>
        </div>
        <Button onClick={() => saveStatement(shows)} data-testid="statement-csv">
          Statement (CSV)
        </Button>
      </div>
      {isByVisit ? <Visits shows={shows} /> : <Days rows={rows} />}
      <p className="muted">
        Credits as viewers paid them, before the share of the house. Tips stand in the total.
      </p>
    </>
  );
}

export function Earnings({ earnings, onReload }: EarningsProps) {
  const total = earnings?.total;
  const { data: summary } = useLoad(fetchEarnings, [total]);
  const { data: shows } = useLoad(fetchRecentShows, [total]);
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
      {shows ? <PaidVisits shows={shows} /> : null}
    </section>
  );
}
