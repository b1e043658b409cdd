// The shape of a result file and how it is printed. One row per measured point: our value, the
// ceiling that no server of this kind can beat, the ratio of the two, and others measured in the
// same rounds.
import type { Machine } from './machine.js';
import { shortNumber, type Spread } from './statistics.js';

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly value: number;
  /** Our value divided by theirs, median of the rounds. */
  readonly ratio: number;
  /** The ratio that is promised at most; null when none is. */
  readonly ratioMax: number | null;
}

export interface Result {
  readonly name: string;
  /** Median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** Whether a small or a large value is good. */
  readonly better: 'less' | 'more';
  /** Smallest and largest of the rounds. */
  readonly spread: readonly [number, number];
  /** What could not be beaten, from the same rounds; null where there is none. */
  readonly ceiling: { readonly name: string; readonly value: number } | null;
  /** Median of value / ceiling over the rounds; null without a ceiling. */
  readonly ratio: number | null;
  readonly ratioSpread: readonly [number, number] | null;
  readonly peers: readonly Peer[];
  /**
   * What stopped this number from being better; `generator` makes it a lower bound, not a result.
   */
  readonly limitedBy: Limit;
  /** The promise that this point is held against, as `ratio <= 1.0`; empty when there is none. */
  readonly promise: string;
  readonly isKept: boolean | null;
}

/**
 * `pace`: the load was offered at a fixed rate, which the server kept · `machine`: no process of
 * ours was busy, so the disk or others' work was in the way.
 */
export type Limit = 'server' | 'billing' | 'redis' | 'sql' | 'generator' | 'pace' | 'machine';

export interface ScenarioReport {
  readonly scenario: string;
  readonly limitedBy: Limit;
  readonly results: readonly Result[];
  /** What was verified, and what a reader has to know. */
  readonly notes: readonly string[];
}

export interface ResultFile extends ScenarioReport {
  readonly machine: Machine;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly durationSec: number;
}

/** Holds a value against `limit`; the words and the verdict of a result row. */
export function holdAgainst(
  what: 'ratio' | 'value',
  actual: number,
  relation: '<=' | '>=',
  limit: number,
): Pick<Result, 'promise' | 'isKept'> {
  const isKept = relation === '<=' ? actual <= limit : actual >= limit;
  return { promise: `${what} ${relation} ${limit}`, isKept };
}

export const noPromise: Pick<Result, 'promise' | 'isKept'> = { promise: '', isKept: null };

/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function resultTable(results: readonly Result[]): string {
  const rows = results.map((one) => [
    one.name,
    boundSign(one) + shortNumber(one.value),
    one.unit,
    range(one.spread),
    one.ceiling === null ? '' : `${shortNumber(one.ceiling.value)} ${one.ceiling.name}`,
    one.ratio === null ? '' : shortNumber(one.ratio),
    one.ratioSpread === null ? '' : range(one.ratioSpread),
    one.limitedBy,
    verdict(one),
  ]);
  const head = [
    'point',
    'value',
    'unit',
    'rounds',
    'ceiling',
    'ratio',
    'rounds',
    'limit',
    'promise',
  ];
  const peers = results.flatMap((one) =>
    one.peers.map((peer) => [
      one.name,
      `${peer.name} ${peer.version}`,
      shortNumber(peer.value),
      shortNumber(peer.ratio),
      peer.ratioMax === null ? '' : verdictOf(`<= ${shortNumber(peer.ratioMax)}`, peer),
    ]),
  );
  const parts = [table(head, rows)];
  if (peers.length > 0)
    parts.push(table(['point', 'peer', 'value', 'ours / theirs', 'promise'], peers));
  return parts.join('\n\n');
}

export function pairOf({ min, max }: Spread): readonly [number, number] {
  return [min, max];
}

function range([low, high]: readonly [number, number]): string {
  return `${shortNumber(low)}…${shortNumber(high)}`;
}

function verdict({ promise, isKept }: Result): string {
  if (isKept === null) return promise;
  return `${promise} ${isKept ? 'kept' : 'NOT KEPT'}`;
}

function verdictOf(promise: string, { ratio, ratioMax }: Peer): string {
  return `${promise} ${ratio <= (ratioMax ?? Infinity) ? 'kept' : 'NOT KEPT'}`;
}

/**
 * `≥ ` or `≤ ` when the generator was in the way: the server may be better than the number says.
 */
export function boundSign({ limitedBy, better }: Pick<Result, 'limitedBy' | 'better'>): string {
  if (limitedBy !== 'generator' && limitedBy !== 'machine') return '';
  return better === 'more' ? '≥ ' : '≤ ';
}
