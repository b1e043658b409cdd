// A performer's own page: the application until it is approved, then the desk.
import { fetchModelDesk } from '../api/models.js';
import type { Account } from '../api/accounts.js';
import { RequireMember } from '../session/require-member.js';
import { sessionStore } from '../session/session.js';
import { useLoad } from '../state/use-load.js';
import { useSelected } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Blank, Loading } from '../ui/blank.js';
import { Apply } from './apply.js';
import { Desk } from './desk.js';
import '../styles/desk.css';

function Desktop({ user }: { user: Account }) {
  const { data, problem, reload, replace } = useLoad(fetchModelDesk, [user.id]);
  if (data) return <Desk desk={data} onChange={replace} onReload={reload} />;
  if (!problem) return <Loading label="Opening your desk" />;
  if (problem.status === 403) return <Apply user={user} />;
  return (
    <Blank title="Your desk cannot be opened">
      <p>{problem.message}</p>
      <Button look="primary" onClick={reload}>
        Try again
      </Button>
    </Blank>
  );
}

export function ModelPage() {
  // The state of the application decides which page this is; a new one loads the page again.
  const state = useSelected(sessionStore, (session) => session.model?.state);
  return (
    <RequireMember title="Broadcast on Showbill">
      {(user) => <Desktop key={`${user.id} ${state ?? ''}`} user={user} />}
    </RequireMember>
  );
}
