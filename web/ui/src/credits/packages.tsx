// The packages on sale. One press starts one order, however often it is repeated.
import { useRef, useState } from 'react';
import { fetchPackages, startCheckout } from '../api/credits.js';
import type { CreditPackage } from '../api/credits.js';
import { toProblem } from '../api/problem.js';
import { formatCredits } from '../format/credits.js';
import { formatPrice } from '../format/price.js';
import { newMid } from '../realtime/realtime.js';
import { navigate } from '../router/router.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { TicketIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';
import { RetryNotice } from '../ui/retry-notice.js';
import { rememberReturn } from './return-address.js';

/** A page of this site is shown in place; a provider's page takes over the window. */
function goToCheckout(url: string): void {
  const target = new URL(url, location.href);
  if (target.origin === location.origin) navigate(target.pathname + target.search);
  else location.assign(target.href);
}

function useCheckout(next: string) {
  const [busyId, setBusyId] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const keys = useRef(new Map<string, string>());
  const buy = (packageId: string): void => {
    if (busyId !== undefined) return;
    const key = keys.current.get(packageId) ?? newMid();
    keys.current.set(packageId, key);
    setBusyId(packageId);
    setProblem(undefined);
    startCheckout({ packageId, key })
      .then(({ url }) => {
        keys.current.delete(packageId);
        rememberReturn(next);
        goToCheckout(url);
      })
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusyId(undefined));
  };
  return { busyId, problem, buy };
}

function Offer({
  item,
  isBusy,
  onBuy,
}: {
  item: CreditPackage;
  isBusy: boolean;
  onBuy: () => void;
}) {
  return (
    <li className="package">
      <p className="package-amount">
        <TicketIcon />
        <strong className="number display">{formatCredits(item.amountMilli)}</strong> credits
      </p>
      <p className="package-price number">{formatPrice(item.priceCents, item.currency)}</p>
      <Button look="primary" isBusy={isBusy} onClick={onBuy} data-testid={`buy-${item.id}`}>
        Buy
        <span className="visually-hidden"> {item.title}</span>
      </Button>
    </li>
  );
}

export function Packages({ next }: { next: string }) {
  const { data, problem, reload } = useLoad(fetchPackages, []);
  const checkout = useCheckout(next);
  return (
    <section className="packages" aria-label="Buy credits">
      <RetryNotice problem={problem} onRetry={reload} />
      {checkout.problem === undefined ? null : <Notice tone="error">{checkout.problem}</Notice>}
      <ul className="package-grid">
        {data?.packages.map((item) => (
          <Offer
            key={item.id}
            item={item}
            isBusy={checkout.busyId === item.id}
            onBuy={() => checkout.buy(item.id)}
          />
        ))}
      </ul>
    </section>
  );
}
