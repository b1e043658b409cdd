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
import { formatCreditsUnit } from '../format/credits.js';
import { Link } from '../router/link.js';
import { sessionStore } from '../session/session.js';
import { usePages } from '../state/use-pages.js';
import { useSelected } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { PageList } from '../ui/page-list.js';
import { useDecisions } from './use-decisions.js';

const reasonName = (reason: string): string =>
  reportReasons.find(([one]) => one === reason)?.[1] ?? reason;

export function Reports() {
  const pages = usePages(async (cursor) => {
    const { reports, next } = await fetchReports(cursor);
    return { items: reports, next };
  }, []);
  const { isBusy, ask, view } = useDecisions(pages.reload);
  return (
    <section className="panel stack" aria-label="Reports">
      <h2>Reports</h2>
      {view}
      <PageList
        pages={pages}
        empty="No report is open."
        row={(one) => (
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
        )}
      />
    </section>
  );
}

export function RefundWishes() {
  const me = useSelected(sessionStore, (session) => session.user?.id);
  const pages = usePages(async (cursor) => {
    const { requests, next } = await fetchRefundWishes(cursor);
    return { items: requests, next };
  }, []);
  const { isBusy, ask, run, view } = useDecisions(pages.reload);
  return (
    <section className="panel stack" aria-label="Refund requests">
      <h2>Refund requests</h2>
      {view}
      <PageList
        pages={pages}
        empty="No request is open."
        row={(one) => (
          <li key={one.id} className="application" data-testid="refund-row">
            <div className="application-head">
              <h3>
                {one.username}: {one.kind}
              </h3>
              <p className="muted">
                {formatDate(one.createdAt)} · <span className="id-text">{one.ref}</span>
              </p>
            </div>
            <p>{one.reason}</p>
            {one.proposedBy === null ? null : (
              <p className="muted">
                Account {one.proposedBy} has approved{' '}
                {one.amountMilli === null ? 'all of it' : formatCreditsUnit(one.amountMilli)}. It is
                above the limit: a second person is needed.
              </p>
            )}
            <div className="row">
              <Button
                size="small"
                look="primary"
                isBusy={isBusy}
                disabled={one.proposedBy === me}
                data-testid="refund-approve"
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
        )}
      />
    </section>
  );
}
