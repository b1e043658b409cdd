// Buying a package from wherever the visitor is. One press starts one order, however often it is
// repeated; the sandbox is paid in place, a provider's page opens beside the room.
import { useRef, useState } from 'react';
import { paySandboxOrder, startCheckout } from '../api/credits.js';
import type { Order } from '../api/credits.js';
import { toProblem } from '../api/problem.js';
import { newMid } from '../realtime/realtime.js';
import { reloadSession } from '../session/session.js';
import { siteStore } from '../site/site.js';

export type Purchase =
  | { at: 'choosing' }
  | { at: 'busy'; packageId: string }
  /** The provider's page is open in another window; the balance moves when it is paid. */
  | { at: 'elsewhere'; order: Order }
  | { at: 'done'; order: Order }
  | { at: 'failed'; problem: string };

/** A window must be opened by the press itself, or the browser blocks it. */
function openWindow(): Window | null {
  const opened = window.open('about:blank', '_blank');
  if (opened) opened.opener = null;
  return opened;
}

export function useTopUp(onDone: () => void) {
  const [purchase, setPurchase] = useState<Purchase>({ at: 'choosing' });
  const keys = useRef(new Map<string, string>());
  const pay = async (packageId: string, beside: Window | null): Promise<void> => {
    const key = keys.current.get(packageId) ?? newMid();
    keys.current.set(packageId, key);
    const { order, url } = await startCheckout({ packageId, key });
    if (siteStore.get().payments !== 'sandbox') {
      if (!beside) {
        location.assign(url);
        return;
      }
      beside.location.replace(url);
      setPurchase({ at: 'elsewhere', order });
      return;
    }
    const paid = await paySandboxOrder(order.id);
    keys.current.delete(packageId);
    setPurchase({ at: 'done', order: paid.order });
    await reloadSession();
    onDone();
  };
  const buy = (packageId: string): void => {
    if (purchase.at === 'busy') return;
    const beside = siteStore.get().payments === 'sandbox' ? null : openWindow();
    setPurchase({ at: 'busy', packageId });
    pay(packageId, beside).catch((error: unknown) => {
      beside?.close();
      setPurchase({ at: 'failed', problem: toProblem(error).message });
    });
  };
  return { purchase, buy };
}
