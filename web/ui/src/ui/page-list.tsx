// What stands around a list that loads page after page: its failure, that it is empty, a button for
// more.
import type { ReactNode } from 'react';
import type { Pages } from '../state/use-pages.js';
import { Button } from './button.js';
import { Notice } from './notice.js';

interface PageListProps<T> {
  pages: Pages<T>;
  empty: string;
  row: (item: T) => ReactNode;
}

export function PageList<T>({ pages, empty, row }: PageListProps<T>) {
  const { items, problem, isLoading, hasMore, more, reload } = pages;
  return (
    <>
      {problem === undefined ? null : (
        <>
          <Notice tone="error">{problem}</Notice>
          <div>
            <Button size="small" isBusy={isLoading} onClick={reload}>
              Try again
            </Button>
          </div>
        </>
      )}
      {items?.length === 0 ? <p className="muted">{empty}</p> : null}
      <ul className="application-list">{(items ?? []).map(row)}</ul>
      {hasMore ? (
        <div>
          <Button size="small" isBusy={isLoading} data-testid="show-more" onClick={more}>
            Show more
          </Button>
        </div>
      ) : null}
    </>
  );
}
