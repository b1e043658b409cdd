// A table that loads page after page. Its last column holds numbers or states and stands at the
// right.
import { useCallback, useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { toProblem } from '../api/problem.js';
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

interface Pages {
  rows: TableRow[];
  next: string | undefined;
  isLoading: boolean;
  problem: string | undefined;
}

function usePages(load: PagedTableProps['load']) {
  const [pages, setPages] = useState<Pages>({
    rows: [],
    next: undefined,
    isLoading: true,
    problem: undefined,
  });
  const more = useCallback(
    (cursor: string | undefined) => {
      setPages((now) => ({ ...now, isLoading: true, problem: undefined }));
      load(cursor)
        .then(({ rows, next }) =>
          setPages((now) => ({
            rows: cursor === undefined ? rows : [...now.rows, ...rows],
            next,
            isLoading: false,
            problem: undefined,
          })),
        )
        .catch((error: unknown) =>
          setPages((now) => ({ ...now, isLoading: false, problem: toProblem(error).message })),
        );
    },
    [load],
  );
  return { pages, more };
}

export function PagedTable({ title, columns, empty, load }: PagedTableProps) {
  // The first loader is kept: callers write it in place.
  const [loader] = useState(() => load);
  const { pages, more } = usePages(loader);
  useEffect(() => more(undefined), [more]);
  const { rows, next, isLoading, problem } = pages;
  return (
    <section className="panel stack" aria-label={title}>
      <h2>{title}</h2>
      {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
      {rows.length === 0 && !isLoading && problem === undefined ? (
        <p className="muted">{empty}</p>
      ) : null}
      {rows.length === 0 ? null : (
        <div className="table-frame" tabIndex={0} role="group" aria-label={title}>
          <table className="table">
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
      {next === undefined ? null : (
        <div>
          <Button size="small" isBusy={isLoading} onClick={() => more(next)}>
            Show more
          </Button>
        </div>
      )}
    </section>
  );
}
