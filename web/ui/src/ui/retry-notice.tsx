// Why something could not be loaded, and a button that tries again; nothing while all is well.
import type { Problem } from '../api/problem.js';
import { Button } from './button.js';
import { Notice } from './notice.js';

interface RetryNoticeProps {
  problem: Problem | undefined;
  onRetry: () => void;
}

export function RetryNotice({ problem, onRetry }: RetryNoticeProps) {
  if (!problem) return null;
  return (
    <Notice tone="error">
      {problem.message}{' '}
      <Button size="small" onClick={onRetry}>
        Try again
      </Button>
    </Notice>
  );
}
