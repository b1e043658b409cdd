// What waits for staff: reports of viewers and wishes for refunds.
import {
  approveRefund,
  closeReport,
  declineRefund,
  fetchRefundWishes,
  fetchReports,
} from '../api/staff.js';
import { reportReasons } from '../api/moderation.js';
import { formatDate } from '../format/clock.js';
import { Link } from '../router/link.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { useDecisions } from './use-decisions.js';

const reasonName = (reason: string): string =>
  reportReasons.find(([one]) => one === reason)?.[1] ?? reason;

export function Reports() {
  const { data, problem, reload } = useLoad(fetchReports, []);
  const { isBusy, ask, view } = useDecisions(reload);
  return (
    <section className="panel stack" aria-label="Reports">
      <h2>Reports</h2>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {view}
      {data?.reports.length === 0 ? <p className="muted">No report is open.</p> : null}
      <ul className="application-list">
        {(data?.reports ?? []).map((one) => (
          <li key={one.id} className="application" data-testid="report-row">
            <div className="application-head">
              <h3>{reasonName(one.reason)}</h3>
              <p className="muted">
                {one.subject === 'room' ? 'The room' : `A message of ${one.author}`} in{' '}
                <Link href={`/r/${encodeURIComponent(one.slug)}`}>{one.slug}</Link> · by{' '}
                {one.reporter} · {formatDate(one.createdAt)}
              </p>
            </div>
            {one.text === '' ? null : <p className="quote-box">{one.text}</p>}
            {one.note === '' ? null : <p>{one.note}</p>}
            <div className="row">
              {(['resolve', 'dismiss'] as const).map((verdict) => (
                <Button
                  key={verdict}
                  size="small"
                  look={verdict === 'resolve' ? 'primary' : 'plain'}
                  isBusy={isBusy}
                  onClick={() =>
                    ask({
                      title: verdict === 'resolve' ? 'Resolve this report' : 'Dismiss this report',
                      verb: verdict === 'resolve' ? 'Resolve' : 'Dismiss',
                      label: 'What was done',
                      run: (words) => closeReport(one.id, verdict, words),
                    })
                  }
                >
                  {verdict === 'resolve' ? 'Resolve' : 'Dismiss'}
                </Button>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function RefundWishes() {
  const { data, problem, reload } = useLoad(fetchRefundWishes, []);
  const { isBusy, ask, run, view } = useDecisions(reload);
  return (
    <section className="panel stack" aria-label="Refund requests">
      <h2>Refund requests</h2>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {view}
      {data?.requests.length === 0 ? <p className="muted">No request is open.</p> : null}
      <ul className="application-list">
        {(data?.requests ?? []).map((one) => (
          <li key={one.id} className="application" data-testid="refund-row">
            <div className="application-head">
              <h3>
                {one.username}: {one.kind}
              </h3>
              <p className="muted">
                {formatDate(one.createdAt)} · {one.ref}
              </p>
            </div>
            <p>{one.reason}</p>
            <div className="row">
              <Button
                size="small"
                look="primary"
                isBusy={isBusy}
                onClick={() => run(approveRefund(one.id))}
              >
                Give it back
              </Button>
              <Button
                size="small"
                isBusy={isBusy}
                onClick={() =>
                  ask({
                    title: `Decline the request of ${one.username}?`,
                    verb: 'Decline',
                    hint: 'The member reads this.',
                    run: (answer) => declineRefund(one.id, answer),
                  })
                }
              >
                Decline
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
