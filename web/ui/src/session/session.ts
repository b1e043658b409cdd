// Who is signed in and what they can spend; the single owner of both in this browser tab.
import { fetchMe, logIn, logOut, signUp } from '../api/accounts.js';
import type { Account, Me } from '../api/accounts.js';
import { renewAccess, setRenewalGuard } from '../api/http.js';
import { noteRenewal, renewalAgeMs } from '../api/renewal.js';
import { toProblem } from '../api/problem.js';
import { createStore } from '../state/store.js';
import { mergeBalance, readMe, readPush } from './balance.js';
import type { Balance } from './balance.js';

export interface Session {
  state: 'starting' | 'anonymous' | 'member';
  user?: Account;
  balance?: Balance;
  /** Billing could not say what there is to spend; it is asked again. */
  isWalletAway?: boolean;
  model?: NonNullable<Me['model']>;
}

export const sessionStore = createStore<Session>({ state: 'starting' });

const memberHint = 'showbill.member';
// The access cookie lives 15 minutes at most; anonymous-capable routes would silently treat an
// expired one as a stranger.
const renewEveryMs = 9 * 60_000;
const askAgainMs = 3_000;
let askAgain: number | undefined;

function hasHint(): boolean {
  try {
    return localStorage.getItem(memberHint) === '1';
  } catch {
    return false;
  }
}

function setHint(isMember: boolean): void {
  try {
    if (isMember) localStorage.setItem(memberHint, '1');
    else localStorage.removeItem(memberHint);
  } catch {
    // Private browsing without storage: the session then lasts as long as the access cookie.
  }
}

function applyMe(me: Me): void {
  setHint(true);
  const known = sessionStore.get();
  const told = readMe(me, Date.now());
  const before = known.user?.id === me.user.id ? known.balance : undefined;
  const balance = told ? mergeBalance(before, told) : before;
  sessionStore.set({
    state: 'member',
    user: me.user,
    ...(balance ? { balance } : {}),
    ...(me.balance === null ? { isWalletAway: true } : {}),
    ...(me.model ? { model: me.model } : {}),
  });
  if (me.balance === null) askAgainSoon();
}

function askAgainSoon(): void {
  window.clearTimeout(askAgain);
  askAgain = window.setTimeout(() => void reloadSession(), askAgainMs);
}

/**
 * Asks who we are. An unreachable site leaves the visitor anonymous for now; a browser that was
 * signed in asks again until it is told.
 */
export async function reloadSession(): Promise<void> {
  try {
    applyMe(await fetchMe());
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status === 401) setHint(false);
    if (problem.status === 401 || sessionStore.get().state === 'starting') {
      sessionStore.set({ state: 'anonymous' });
    }
    // The site could not say who this is: a member is found again when it can.
    const { state, isWalletAway } = sessionStore.get();
    if (hasHint() && (state === 'anonymous' || isWalletAway === true)) askAgainSoon();
  }
}

/** Renews the access cookie if it may be near its end. */
export async function keepSessionFresh(): Promise<void> {
  if (sessionStore.get().state !== 'member' || renewalAgeMs() < renewEveryMs) return;
  // Refused: the session has ended. Unreachable: it is asked again, and nobody is logged out.
  if (!(await renewAccess())) await reloadSession();
}

export async function startSession(): Promise<void> {
  setRenewalGuard(hasHint);
  window.setInterval(() => void keepSessionFresh(), 30_000);
  document.addEventListener('visibilitychange', () => void keepSessionFresh());
  await reloadSession();
}

export async function signIn(form: { login: string; password: string }): Promise<void> {
  await logIn(form);
  noteRenewal();
  await reloadSession();
}

/** `mailed`: the account works after the link in the mail was followed. */
export async function createAccount(form: {
  username: string;
  email: string;
  password: string;
}): Promise<'done' | 'mailed'> {
  const { activation } = await signUp(form);
  if (activation === 'mailed') return activation;
  noteRenewal();
  await reloadSession();
  if (sessionStore.get().state !== 'member') {
    await signIn({ login: form.username, password: form.password });
  }
  return activation;
}

export async function signOut(): Promise<void> {
  try {
    await logOut();
  } finally {
    forgetSession();
  }
}

/** The account is logged out or gone; the cookies are the server's business. */
export function forgetSession(): void {
  setHint(false);
  sessionStore.set({ state: 'anonymous' });
}

/** Takes a pushed balance. */
export function applyBalance(body: Readonly<Record<string, unknown>>): void {
  const next = readPush(body, Date.now());
  if (!next) return;
  sessionStore.update((session) => {
    if (session.state !== 'member') return session;
    const balance = mergeBalance(session.balance, next);
    if (balance === session.balance) return session;
    const { isWalletAway: _told, ...rest } = session;
    return { ...rest, balance };
  });
}
