// Renewing the session cookies, once for all tabs of the browser. A refresh token works a single
// time and its second use ends the session, so two tabs that wake up together must not both send
// it.
const lockName = 'showbill.renew';
const stampKey = 'showbill.renewed';

function lastRenewalMs(): number {
  try {
    return Number(localStorage.getItem(stampKey) ?? 0);
  } catch {
    return 0;
  }
}

/** Also called after a login: its cookies are new, too. */
export function noteRenewal(): void {
  try {
    localStorage.setItem(stampKey, String(Date.now()));
  } catch {
    // Without storage each tab renews for itself; the lock still keeps them apart.
  }
}

/** The lock is missing on plain http; then only the time stamp keeps tabs apart. */
async function oneTabAtATime(work: () => Promise<boolean>): Promise<boolean> {
  const locks = (navigator as { locks?: LockManager }).locks;
  return locks === undefined ? await work() : await locks.request(lockName, work);
}

let running: Promise<boolean> | undefined;

/** Resolves to false when the session is over or the site is away. */
export function renewOnce(send: () => Promise<boolean>): Promise<boolean> {
  const askedAtMs = Date.now();
  running ??= oneTabAtATime(async () => {
    if (lastRenewalMs() >= askedAtMs) return true;
    const isRenewed = await send();
    if (isRenewed) noteRenewal();
    return isRenewed;
  }).finally(() => {
    running = undefined;
  });
  return running;
}

/** How long ago any tab of this browser has renewed. */
export function renewalAgeMs(): number {
  return Date.now() - lastRenewalMs();
}
