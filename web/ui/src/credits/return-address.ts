// Where to go after a purchase: the room in which the credits ran out. Kept for this tab only,
// because the provider's page lies in between.
import { safeNext } from '../router/router.js';

const key = 'showbill.return';

export function rememberReturn(path: string): void {
  try {
    sessionStorage.setItem(key, path);
  } catch {
    // Without storage the purchase ends on the credits page.
  }
}

export function takeReturn(): string {
  try {
    const path = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return safeNext(path);
  } catch {
    return '/';
  }
}
