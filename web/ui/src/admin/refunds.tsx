// Refunds that staff has given or proposed; what is above the limit waits for a second person.
import { decideRefund, fetchRefunds } from '../api/money-desk.js';
import type { Refund } from '../api/money-desk.js';
import { formatDate } from '../format/clock.js';
import { formatCreditsUnit } from '../format/credits.js';
import { sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { PageList } from '../ui/page-list.js';
import { RefundForm } from './money-forms.js';
import { useDecisions } from './use-decisions.js';

const states: Record<Refund['state'], string> = {
  waiting: 'waits for a second person',
  done: 'given back',
  declined: 'declined',
};

const amountOf = ({ returnedMilli, amountMilli }: Refund): string => {
  const milli = returnedMilli ?? amountMilli;
  return milli === null ? 'All' : formatCreditsUnit(milli);
};

export function Refunds() {
  const me = useSelected(sessionStore, (session) => session.user?.id);
  const pages = usePages(async (cursor) => {
    const { refunds, next } = await fetchRefunds(cursor);
    return { items: refunds, next };
  }, []);
  const { isBusy, run, view } = useDecisions(pages.reload);
  return (
    <>
      <RefundForm onDone={pages.reload} />
      <section className="panel stack" aria-label="Refunds">
        <h2>Refunds</h2>
        {view}
        <PageList
          pages={pages}
          empty="Nothing was given back yet."
          row={(one) => (
            <li key={one.id} className="application" data-testid="refund-order">
              <div className="application-head">
                <h3 className="number">{amountOf(one)}</h3>
                <p className="muted">
                  {states[one.state]} · {one.kind} <span className="id-text">{one.ref}</span> · by
                  account {one.askedBy}
                  {one.decidedBy === null ? '' : ` and ${one.decidedBy}`} ·{' '}
                  {formatDate(one.createdAt)}
                </p>
              </div>
              <p>{one.reason}</p>
              {one.state === 'waiting' ? (
                <div className="row">
                  {one.askedBy === me ? null : (
                    <Button
                      size="small"
                      look="primary"
                      isBusy={isBusy}
                      onClick={() => run(decideRefund(one.id, 'approve'))}
                    >
                      Approve
                    </Button>
                  )}
                  <Button
                    size="small"
                    isBusy={isBusy}
                    onClick={() => run(decideRefund(one.id, 'decline'))}
                  >
                    {one.askedBy === me ? 'Take it back' : 'Decline'}
                  </Button>
                </div>
              ) : null}
            </li>
          )}
        />
      </section>
    </>
  );
}
