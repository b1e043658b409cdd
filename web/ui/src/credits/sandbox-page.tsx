// The sandbox bank: one press pays an order where the site runs without a real payment provider.
import { useState } from 'react';
import { paySandboxOrder } from '../api/credits.js';
import type { Order } from '../api/credits.js';
import { toProblem } from '../api/problem.js';
import { formatCreditsUnit } from '../format/credits.js';
import { Link } from '../router/link.js';
import { RequireMember } from '../session/require-member.js';
import { reloadSession } from '../session/session.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
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

function Bank({ id }: { id: string }) {
  const [order, setOrder] = useState<Order>();
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
          {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
          <div className="row">
            <Button
              look="primary"
              size="large"
              isBusy={isBusy}
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
