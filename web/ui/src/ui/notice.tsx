// A line that tells the outcome of something: announced by screen readers, errors at once.
import type { ReactNode } from 'react';
import { CheckIcon, WarningIcon } from './icons.js';

export function Notice({
  tone,
  children,
}: {
  tone: 'error' | 'done' | 'info';
  children: ReactNode;
}) {
  return (
    <div className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      {tone === 'done' ? <CheckIcon /> : <WarningIcon />}
      <div>{children}</div>
    </div>
  );
}
