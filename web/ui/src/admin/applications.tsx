// Applications of models: those that wait, and those decided before.
import { useState } from 'react';
import { approveModel, declineModel, fetchApplications } from '../api/admin.js';
import type { Application, ApplicationState } from '../api/admin.js';
import { toProblem } from '../api/problem.js';
import { formatDate } from '../format/clock.js';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { PageList } from '../ui/page-list.js';
import { DeclineDialog } from './decline-dialog.js';

const states: Record<ApplicationState, string> = {
  pending: 'Waiting',
  approved: 'Approved',
  declined: 'Declined',
};

interface RowProps {
  application: Application;
  onDone: (words: string) => void;
}

function useDecision({ application, onDone }: RowProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const decide = (request: Promise<unknown>, words: string): void => {
    setBusy(true);
    request
      .then(() => onDone(`${application.displayName} was ${words}.`))
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return {
    isBusy,
    problem,
    approve: () => decide(approveModel(application.id), 'approved'),
    decline: (reason: string) => decide(declineModel(application.id, reason), 'declined'),
  };
}

function Row(props: RowProps) {
  const { application } = props;
  const { isBusy, problem, approve, decline } = useDecision(props);
  const [isDeclining, setDeclining] = useState(false);
  return (
    <li className="application">
      <div className="application-head">
        <h3>{application.displayName}</h3>
        <p className="muted">
          {application.username} · {formatDate(application.createdAt)}
        </p>
      </div>
      {application.about === '' ? null : <p>{application.about}</p>}
      {application.reason === null ? null : <p className="muted">Reason: {application.reason}</p>}
      {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
      {application.state === 'pending' ? (
        <div className="row">
          <Button look="primary" isBusy={isBusy} onClick={approve}>
            Approve
          </Button>
          <Button isBusy={isBusy} onClick={() => setDeclining(true)}>
            Decline
          </Button>
        </div>
      ) : null}
      {isDeclining ? (
        <DeclineDialog
          name={application.displayName}
          onClose={() => setDeclining(false)}
          onDecline={(reason) => {
            setDeclining(false);
            decline(reason);
          }}
        />
      ) : null}
    </li>
  );
}

export function Applications() {
  const [state, setState] = useState<ApplicationState>('pending');
  const [done, setDone] = useState<string>();
  const pages = usePages(
    async (cursor) => {
      const { models, next } = await fetchApplications(state, cursor);
      return { items: models, next };
    },
    [state],
  );
  return (
    <section className="panel stack" aria-label="Models">
      <div className="panel-head">
        <h2>Models</h2>
        <div className="segmented" role="group" aria-label="State of the application">
          {(Object.keys(states) as ApplicationState[]).map((value) => (
            <button
              key={value}
              type="button"
              aria-pressed={state === value}
              onClick={() => {
                setDone(undefined);
                setState(value);
              }}
            >
              {states[value]}
            </button>
          ))}
        </div>
      </div>
      {done === undefined ? null : <Notice tone="done">{done}</Notice>}
      <PageList
        pages={pages}
        empty={state === 'pending' ? 'No application is waiting.' : 'There is none.'}
        row={(application) => (
          <Row
            key={`${application.id} ${application.state}`}
            application={application}
            onDone={(words) => {
              setDone(words);
              pages.reload();
            }}
          />
        )}
      />
    </section>
  );
}
