// Accounts: search, suspend and restore, roles of staff.
import { useEffect, useState } from 'react';
import { fetchAccounts, restoreAccount, suspendAccount } from '../api/staff.js';
import type { StaffAccount } from '../api/staff.js';
import { formatDate } from '../format/clock.js';
import { useRight } from '../session/use-right.js';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { PageList } from '../ui/page-list.js';
import { RolesDialog, roles } from './roles-dialog.js';
import { useDecisions } from './use-decisions.js';
import type { Decisions } from './use-decisions.js';

const typingMs = 300;

function rolesOf(account: StaffAccount): string {
  const held = roles.filter(([role]) => account[role]).map(([, name]) => name);
  return [...held, account.isModel ? 'model' : ''].filter(Boolean).join(', ') || 'viewer';
}

interface AccountRowProps {
  account: StaffAccount;
  decisions: Decisions;
  /** Only for those who may give roles. */
  onRoles: ((account: StaffAccount) => void) | undefined;
}

function AccountRow({ account, decisions, onRoles }: AccountRowProps) {
  const { id, username } = account;
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
        {onRoles === undefined ? null : (
          <Button size="small" data-testid="roles-open" onClick={() => onRoles(account)}>
            Roles
          </Button>
        )}
      </div>
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
  const [managed, setManaged] = useState<StaffAccount>();
  const mayGiveRoles = useRight('site');
  const pages = usePages(
    async (cursor) => {
      const { users, next } = await fetchAccounts(search, cursor);
      return { items: users, next };
    },
    [search],
  );
  const decisions = useDecisions(pages.reload);
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
      {decisions.view}
      {managed ? (
        <RolesDialog
          account={managed}
          onClose={() => setManaged(undefined)}
          onDone={() => {
            setManaged(undefined);
            pages.reload();
          }}
        />
      ) : null}
      <PageList
        pages={pages}
        empty="Nobody fits."
        row={(account) => (
          <AccountRow
            key={account.id}
            account={account}
            decisions={decisions}
            onRoles={mayGiveRoles ? setManaged : undefined}
          />
        )}
      />
    </section>
  );
}
