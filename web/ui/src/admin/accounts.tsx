// Accounts: search, suspend and restore, the site's own moderators.
import { useEffect, useState } from 'react';
import { fetchAccounts, restoreAccount, setSiteModerator, suspendAccount } from '../api/staff.js';
import type { StaffAccount } from '../api/staff.js';
import { formatDate } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useDecisions } from './use-decisions.js';
import type { Decisions } from './use-decisions.js';

const typingMs = 300;

function rolesOf({ isModel, isModerator, isAdmin }: StaffAccount): string {
  const roles = [isAdmin ? 'admin' : '', isModerator ? 'moderator' : '', isModel ? 'model' : ''];
  return roles.filter(Boolean).join(', ') || 'viewer';
}

function AccountRow({ account, decisions }: { account: StaffAccount; decisions: Decisions }) {
  const { id, username, isModerator, isAdmin } = account;
  const { isBusy, ask, run } = decisions;
  const isSuspended = account.status === 'suspended';
  return (
    <li className="application" data-testid="account-row">
      <div className="application-head">
        <h3>
          {username} {isSuspended ? <span className="badge badge-outline">SUSPENDED</span> : null}
        </h3>
        <p className="muted">
          {rolesOf(account)} · {account.email} · since {formatDate(account.createdAt)} · id {id}
        </p>
      </div>
      {isAdmin ? null : (
        <div className="row">
          {isSuspended ? (
            <Button size="small" isBusy={isBusy} onClick={() => run(restoreAccount(id))}>
              Restore
            </Button>
          ) : (
            <Button
              size="small"
              look="danger"
              isBusy={isBusy}
              onClick={() =>
                ask({
                  title: `Suspend ${username}?`,
                  verb: 'Suspend',
                  run: (reason) => suspendAccount(id, reason),
                })
              }
            >
              Suspend
            </Button>
          )}
          <Button
            size="small"
            isBusy={isBusy}
            onClick={() => run(setSiteModerator(id, !isModerator))}
          >
            {isModerator ? 'No moderator any more' : 'Make site moderator'}
          </Button>
        </div>
      )}
    </li>
  );
}

export function Accounts() {
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  useEffect(() => {
    const timer = window.setTimeout(() => setSearch(typed.trim()), typingMs);
    return () => window.clearTimeout(timer);
  }, [typed]);
  const { data, problem, reload } = useLoad(() => fetchAccounts(search), [search]);
  const decisions = useDecisions(reload);
  return (
    <section className="panel stack" aria-label="Accounts">
      <h2>Accounts</h2>
      <Field
        label="Search by name or e-mail"
        type="search"
        value={typed}
        data-testid="account-search"
        onChange={(event) => setTyped(event.target.value)}
      />
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {decisions.view}
      {data?.users.length === 0 ? <p className="muted">Nobody fits.</p> : null}
      <ul className="application-list">
        {(data?.users ?? []).map((account) => (
          <AccountRow key={account.id} account={account} decisions={decisions} />
        ))}
      </ul>
      {data?.next === undefined ? null : <p className="muted">There are more; search for one.</p>}
    </section>
  );
}
