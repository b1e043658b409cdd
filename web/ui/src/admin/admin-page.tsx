// The operator's page: applications, grants, books.
import { RequireMember } from '../session/require-member.js';
import { Blank } from '../ui/blank.js';
import { Applications } from './applications.js';
import { Finance } from './finance.js';
import { Grant } from './grant.js';
import { useState } from 'react';
import '../styles/desk.css';

function AdminDesk() {
  const [grants, setGrants] = useState(0);
  return (
    <main className="page page-narrow" id="main" tabIndex={-1}>
      <div className="page-head">
        <h1 className="display">Administration</h1>
      </div>
      <div className="admin-grid">
        <Applications />
        <div className="stack desk-column">
          <Grant onGranted={() => setGrants((count) => count + 1)} />
          <Finance grants={grants} />
        </div>
      </div>
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
