// The operator's page in parts: what waits, live rooms, accounts, money, records.
import { useState } from 'react';
import { RequireMember } from '../session/require-member.js';
import { useRight } from '../session/use-right.js';
import { Blank } from '../ui/blank.js';
import { Accounts } from './accounts.js';
import { Applications } from './applications.js';
import { Finance } from './finance.js';
import { Grant } from './grant.js';
import { LiveWall } from './live-wall.js';
import { Campaigns, Corrections, PayoutQueue, Sales, Totals } from './money.js';
import { ProgrammePanel } from './programme-panel.js';
import { RefundWishes, Reports } from './queues.js';
import { Audit, Mailbox } from './records.js';
import { Refunds } from './refunds.js';
import '../styles/desk.css';

/** Parts, and the rights of which one opens it. */
const parts = [
  ['desk', 'Desk', ['applications', 'reports', 'refunds']],
  ['live', 'Live', ['stage']],
  ['accounts', 'Accounts', ['accounts']],
  ['money', 'Money', ['money']],
  ['refunds', 'Refunds', ['refunds']],
  ['programme', 'Programme', ['site']],
  ['records', 'Records', ['site']],
] as const;

type Part = (typeof parts)[number][0];

function Desk() {
  return (
    <div className="admin-grid">
      <div className="stack desk-column">{useRight('applications') ? <Applications /> : null}</div>
      <div className="stack desk-column">
        {useRight('reports') ? <Reports /> : null}
        {useRight('refunds') ? <RefundWishes /> : null}
      </div>
    </div>
  );
}

function Money() {
  const [grants, setGrants] = useState(0);
  return (
    <div className="stack desk-column">
      <Totals />
      <div className="admin-grid">
        <div className="stack desk-column">
          <Finance grants={grants} />
          <PayoutQueue />
          <Corrections />
        </div>
        <div className="stack desk-column">
          <Grant onGranted={() => setGrants((count) => count + 1)} />
          <Sales />
          <Campaigns />
        </div>
      </div>
    </div>
  );
}

function AdminDesk({ rights }: { rights: readonly string[] }) {
  const open = parts.filter(([, , needed]) => needed.some((right) => rights.includes(right)));
  const [chosen, setPart] = useState<Part>();
  // Who loses a right while the page stands open is shown what is left.
  const part = open.some(([value]) => value === chosen) ? chosen : open[0]?.[0];
  return (
    <main className="page page-narrow" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">Administration</h1>
        <div className="segmented" role="group" aria-label="Part of the administration">
          {open.map(([value, name]) => (
            <button
              key={value}
              type="button"
              aria-pressed={part === value}
              data-testid={`admin-${value}`}
              onClick={() => setPart(value)}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      {part === 'desk' ? <Desk /> : null}
      {part === 'live' ? <LiveWall /> : null}
      {part === 'accounts' ? <Accounts /> : null}
      {part === 'money' ? <Money /> : null}
      {part === 'programme' ? <ProgrammePanel /> : null}
      {part === 'refunds' ? (
        <div className="stack desk-column">
          <Refunds />
        </div>
      ) : null}
      {part === 'records' ? (
        <div className="stack desk-column">
          <Audit />
          <Mailbox />
        </div>
      ) : null}
    </main>
  );
}

export function AdminPage() {
  return (
    <RequireMember title="Administration">
      {(user) =>
        user.rights.length > 0 ? (
          <AdminDesk rights={user.rights} />
        ) : (
          <Blank title="Not for you">
            <p>Only staff may open this page.</p>
          </Blank>
        )
      }
    </RequireMember>
  );
}
