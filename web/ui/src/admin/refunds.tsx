// Refunds that staff has given or proposed; what is above the limit waits for a second person.
import { decideRefund, fetchRefunds } from '../api/money-desk.js';
import type { Refund } from '../api/money-desk.js';
import { formatDate } from '../format/clock.js';
import { formatCreditsUnit } from '../format/credits.js';
import { sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { usePages } from '../state/use-pages.js';
import { RefundForm } from './money-forms.js';
import { Proposals } from './proposals.js';
import type { Verdicts } from './proposals.js';

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
  const verdictsOf = ({ id, state, askedBy }: Refund): Verdicts | undefined => {
    if (state !== 'waiting') return undefined;
    const refuse = () => decideRefund(id, 'decline');
    return askedBy === me
      ? { refuse, refuseWords: 'Take it back' }
      : { approve: () => decideRefund(id, 'approve'), refuse, refuseWords: 'Decline' };
  };
  return (
    <>
      <RefundForm onDone={pages.reload} />
      <Proposals
        title="Refunds"
        testId="refund-order"
        empty="Nothing was given back yet."
        pages={pages}
        verdictsOf={verdictsOf}
        words={(one) => (
          <>
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
          </>
        )}
      />
    </>
  );
}
