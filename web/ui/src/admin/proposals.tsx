// What staff has proposed and others decide on, as a list: each one that waits is approved or
// turned down. Used for refunds and adjustments.
import type { ReactNode } from 'react';
import type { Pages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { PageList } from '../ui/page-list.js';
import { useDecisions } from './use-decisions.js';

export interface Verdicts {
  /** Absent where another person has to approve. */
  approve?: () => Promise<unknown>;
  refuse: () => Promise<unknown>;
  refuseWords: string;
}

interface ProposalsProps<T> {
  title: string;
  testId: string;
  empty: string;
  pages: Pages<T>;
  words: (one: T) => ReactNode;
  /** Undefined for what does not wait. */
  verdictsOf: (one: T) => Verdicts | undefined;
}

interface VerdictRowProps {
  verdicts: Verdicts;
  isBusy: boolean;
  run: (request: Promise<unknown>) => void;
}

function VerdictRow({ verdicts, isBusy, run }: VerdictRowProps) {
  const { approve, refuse, refuseWords } = verdicts;
  return (
    <div className="row">
      {approve === undefined ? null : (
        <Button size="small" look="primary" isBusy={isBusy} onClick={() => run(approve())}>
          Approve
        </Button>
      )}
      <Button size="small" isBusy={isBusy} onClick={() => run(refuse())}>
        {refuseWords}
      </Button>
    </div>
  );
}

export function Proposals<T extends { id: string }>(props: ProposalsProps<T>) {
  const { title, testId, empty, pages, words, verdictsOf } = props;
  const { isBusy, run, view } = useDecisions(pages.reload);
  return (
    <section className="panel stack" aria-label={title}>
      <h2>{title}</h2>
      {view}
      <PageList
        pages={pages}
        empty={empty}
        row={(one) => {
          const verdicts = verdictsOf(one);
          return (
            <li key={one.id} className="application" data-testid={testId}>
              {words(one)}
              {verdicts ? <VerdictRow verdicts={verdicts} isBusy={isBusy} run={run} /> : null}
            </li>
          );
        }}
      />
    </section>
  );
}
