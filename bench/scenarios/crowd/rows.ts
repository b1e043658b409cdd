// Result rows that scenarios with a crowd share: what clients lost, saw twice or out of order, and
// how long a message took at worst.
import { holdAgainst, noPromise, type Result } from '../../lib/result.js';
import { median, summarize } from '../../lib/statistics.js';
import type { CrowdAccount } from './crowd.js';

const plain = {
  ...{ ceiling: null, ratio: null, ratioSpread: null, peers: [] },
  limitedBy: 'pace',
  better: 'less',
} as const;

/** A count that has to be 0 in every round. */
export function zeroRow(
  name: string,
  counts: readonly number[],
  peers: Result['peers'] = [],
): Result {
  return {
    ...{ ...plain, name, peers, value: Math.max(...counts), unit: 'messages' },
    spread: [Math.min(...counts), Math.max(...counts)],
    ...holdAgainst('value', Math.max(...counts), '<=', 0),
  };
}

/** Losses, repeats and disorder of all rounds, and the latency of what was shown. */
export function crowdRows(accounts: readonly CrowdAccount[], p99MaxMs?: number): Result[] {
  const p99s = accounts.map(({ latencies }) => summarize([latencies]).p99);
  const p99 = median(p99s);
  return [
    zeroRow(
      'never shown',
      accounts.map(({ lost }) => lost),
    ),
    zeroRow(
      'shown twice',
      accounts.map(({ doubled }) => doubled),
    ),
    zeroRow(
      'shown out of order',
      accounts.map(({ disordered }) => disordered),
    ),
    {
      ...{ ...plain, name: 'due → shown, p99', value: p99, unit: 'ms' },
      spread: [Math.min(...p99s), Math.max(...p99s)],
      ...(p99MaxMs === undefined ? noPromise : holdAgainst('value', p99, '<=', p99MaxMs)),
    },
  ];
}
