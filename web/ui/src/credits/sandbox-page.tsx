// The sandbox bank: one press pays an order where the site runs without a real payment provider.
import { useState } from 'react';
import { fetchOrder, paySandboxOrder } from '../api/credits.js';
import type { Order } from '../api/credits.js';
import { toProblem } from '../api/problem.js';
import { formatCreditsUnit } from '../format/credits.js';
import { formatPrice } from '../format/price.js';
import { Link } from '../router/link.js';
import { RequireMember } from '../session/require-member.js';
import { reloadSession } from '../session/session.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { RetryNotice } from '../ui/retry-notice.js';
import { takeReturn } from './return-address.js';
import '../styles/credits.css';

function Receipt({ order }: { order: Order }) {
  const [next] = useState(takeReturn);
  return (
    <>
      <h1 className="display">Thank you</h1>
      <p>
        {order.state === 'granted'
          ? `${formatCreditsUnit(order.amountMilli)} are in your wallet.`
          : `${formatCreditsUnit(order.amountMilli)} arrive in a moment.`}
      </p>
      <Link className="button button-primary button-large" href={next}>
        {next.startsWith('/r/') ? 'Back to the show' : 'See what is live'}
      </Link>
    </>
  );
}

/** What the press of the button buys. */
function Bill({ order }: { order: Order }) {
  return (
    <dl className="bill" data-testid="sandbox-bill">
      <dt>Package</dt>
      <dd className="number">{formatCreditsUnit(order.amountMilli)}</dd>
      <dt>To pay</dt>
      <dd className="number">
        <strong>{formatPrice(order.priceCents, order.currency)}</strong>
      </dd>
    </dl>
  );
}

function Bank({ id }: { id: string }) {
  const wanted = useLoad(() => fetchOrder(id), [id]);
  const [paid, setOrder] = useState<Order>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const pay = (): void => {
    setBusy(true);
    paySandboxOrder(id)
      .then((answer) => {
        setOrder(answer.order);
        return reloadSession();
      })
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  const bill = wanted.data?.order;
  // Who comes back to an order that was paid reads that it was.
  const order = paid ?? (bill?.state === 'paid' || bill?.state === 'granted' ? bill : undefined);
  return (
    <main className="blank" id="main" tabIndex={-1}>
      {order ? (
        <Receipt order={order} />
      ) : (
        <>
          <h1 className="display">Sandbox bank</h1>
          <p>
            This site runs without a payment provider. No money moves; the credits are for trying.
          </p>
          {bill ? <Bill order={bill} /> : null}
          <RetryNotice problem={wanted.problem} onRetry={wanted.reload} />
          {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
          <div className="row">
            <Button
              look="primary"
              size="large"
              isBusy={isBusy}
              disabled={bill === undefined}
              onClick={pay}
              data-testid="sandbox-pay"
            >
              Pay
            </Button>
            <Link className="button button-large" href="/credits">
              Cancel
            </Link>
          </div>
        </>
      )}
    </main>
  );
}

export function SandboxPage({ purchase }: { purchase: string }) {
  return <RequireMember title="Sandbox bank">{() => <Bank id={purchase} />}</RequireMember>;
}
