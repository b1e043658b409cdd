// Credits: buy a package, see orders and the statement of the wallet.
import { RequireMember } from '../session/require-member.js';
import { sessionStore } from '../session/session.js';
import { useSelected } from '../state/use-store.js';
import { formatCredits } from '../format/credits.js';
import { LimitsPanel } from './limits-panel.js';
import { Orders } from './orders.js';
import { Packages } from './packages.js';
import { PaidShows } from './paid-shows.js';
import { RefundRequests } from './refund-requests.js';
import { Statement } from './statement.js';
import '../styles/desk.css';
import '../styles/credits.css';

function Wallet() {
  const balance = useSelected(sessionStore, (session) => session.balance);
  return (
    <p className="wallet">
      <strong className="number">{balance ? formatCredits(balance.amount) : '–'}</strong> credits
      {balance && balance.held !== '0' ? (
        <span className="muted"> · {formatCredits(balance.held)} held for a running show</span>
      ) : null}
    </p>
  );
}

export function CreditsPage({ next }: { next: string }) {
  return (
    <RequireMember title="Your credits">
      {(user) => (
        <main className="page page-narrow" id="main" tabIndex={-1} key={user.id}>
          <div className="page-head">
            <h1 className="display">Your credits</h1>
            <Wallet />
          </div>
          <Packages next={next} />
          <div className="desk-grid">
            <div className="stack desk-column">
              <Statement />
              <PaidShows />
            </div>
            <div className="stack desk-column">
              <Orders />
              <LimitsPanel />
              <RefundRequests />
            </div>
          </div>
        </main>
      )}
    </RequireMember>
  );
}
