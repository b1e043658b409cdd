// A table that loads page after page. Its last column holds numbers or states and stands at the
// right.
import { useState } from 'react';
import type { ReactNode } from 'react';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';

export interface TableRow {
  key: string;
  cells: ReactNode[];
}

interface PagedTableProps {
  title: string;
  columns: string[];
  empty: string;
  load: (cursor: string | undefined) => Promise<{ rows: TableRow[]; next: string | undefined }>;
}

export function PagedTable({ title, columns, empty, load }: PagedTableProps) {
  // The first loader is kept: callers write it in place.
  const [loader] = useState(() => load);
  const { items, problem, isLoading, hasMore, more } = usePages(
    async (cursor) => {
      const page = await loader(cursor);
      return { items: page.rows, next: page.next };
    },
    [loader],
  );
  const rows = items ?? [];
  return (
    <section className="panel stack" aria-label={title}>
      <h2>{title}</h2>
      {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
      {rows.length === 0 && !isLoading && problem === undefined ? (
        <p className="muted">{empty}</p>
      ) : null}
      {rows.length === 0 ? null : (
        <div className="table-frame" tabIndex={0} role="group" aria-label={title}>
          <table className="table table-paged">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  {row.cells.map((cell, at) => (
                    <td key={columns[at]} className="number">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {hasMore ? (
        <div>
          <Button size="small" isBusy={isLoading} onClick={more}>
            Show more
          </Button>
        </div>
      ) : null}
    </section>
  );
}
