// The page-sized states that stand in for a page: loading, missing, refused, unreachable.
import type { ReactNode } from 'react';

export function Blank({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <main className="blank" id="main" tabIndex={-1}>
      <h1 className="display">{title}</h1>
      {children}
    </main>
  );
}

/** Appears only after a moment, so that quick loads do not flash. */
export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <main className="blank loading" id="main">
      <span className="loading-bar" aria-hidden="true" />
      <span role="status" className="visually-hidden">
        {label}
      </span>
    </main>
  );
}
