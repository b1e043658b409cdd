// The operator's page in parts: what waits, live rooms, accounts, money, records.
import { useState } from 'react';
import { RequireMember } from '../session/require-member.js';
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
import '../styles/desk.css';

const parts = [
  ['desk', 'Desk'],
  ['live', 'Live'],
  ['accounts', 'Accounts'],
  ['money', 'Money'],
  ['programme', 'Programme'],
  ['records', 'Records'],
] as const;

type Part = (typeof parts)[number][0];

function Desk() {
  const [grants, setGrants] = useState(0);
  return (
    <div className="admin-grid">
      <div className="stack desk-column">
        <Applications />
        <Reports />
        <RefundWishes />
      </div>
      <div className="stack desk-column">
        <Grant onGranted={() => setGrants((count) => count + 1)} />
        <Finance grants={grants} />
      </div>
    </div>
  );
}

function Money() {
  return (
    <div className="stack desk-column">
      <Totals />
      <div className="admin-grid">
        <div className="stack desk-column">
          <PayoutQueue />
          <Corrections />
        </div>
        <div className="stack desk-column">
          <Sales />
          <Campaigns />
        </div>
      </div>
    </div>
  );
}

function AdminDesk() {
  const [part, setPart] = useState<Part>('desk');
  return (
    <main className="page page-narrow" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">Administration</h1>
        <div className="segmented" role="group" aria-label="Part of the administration">
          {parts.map(([value, name]) => (
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
        user.role === 'admin' ? (
          <AdminDesk />
        ) : (
          <Blank title="Not for you">
            <p>Only administrators may open this page.</p>
          </Blank>
        )
      }
    </RequireMember>
  );
}
