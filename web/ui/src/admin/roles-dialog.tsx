// What an account may do as staff.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { toProblem } from '../api/problem.js';
import { setRoles } from '../api/staff.js';
import type { StaffAccount, StaffRoles } from '../api/staff.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Notice } from '../ui/notice.js';

export const roles: readonly (readonly [keyof StaffRoles, string, string])[] = [
  ['isAdmin', 'admin', 'everything, and gives roles'],
  ['isFinance', 'finance', 'books, payouts, campaigns, adjustments, refunds'],
  ['isSupport', 'support', 'accounts, suspensions, reports, refunds'],
  ['isModerator', 'moderator', 'every chat, shows, models, reports, suspensions'],
];

interface RolesDialogProps {
  account: StaffAccount;
  onDone: () => void;
  onClose: () => void;
}

export function RolesDialog({ account, onDone, onClose }: RolesDialogProps) {
  const [wanted, setWanted] = useState<Partial<StaffRoles>>({});
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const isChanged = roles.some(([role]) => (wanted[role] ?? account[role]) !== account[role]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isBusy || !isChanged) return;
    setBusy(true);
    setRoles(account.id, wanted)
      .then(onDone)
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={`Roles of ${account.username}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        {roles.map(([role, name, means]) => (
          <label key={role} className="check">
            <input
              type="checkbox"
              checked={wanted[role] ?? account[role]}
              data-testid={`role-${name}`}
              onChange={(event) => setWanted({ ...wanted, [role]: event.target.checked })}
            />
            <span>
              <strong>{name}</strong> <span className="muted">{means}</span>
            </span>
          </label>
        ))}
        {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
        <div className="row">
          <Button
            look="primary"
            type="submit"
            isBusy={isBusy}
            disabled={!isChanged}
            data-testid="roles-save"
          >
            Save roles
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
