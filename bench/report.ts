// `npx tsx bench/report.ts before.json after.json`: two result files side by side as a Markdown
// table, for a pull request. Compares ratios to the ceiling where there is one, because absolute
// costs move by the hour.
import { readFileSync } from 'node:fs';
import { boundSign, type Result, type ResultFile } from './lib/result.js';
import { shortNumber } from './lib/statistics.js';

/** Changes within this are called noise even when the rounds did not overlap. */
const NOISE = 0.03;

export function compare(before: ResultFile, after: ResultFile): string {
  const lines = [
    `### ${after.scenario}`,
    '',
    `before ${describe(before)}; after ${describe(after)}`,
    '',
    '| point | unit | before | after | ratio before | ratio after | change |',
    '| --- | --- | ---: | ---: | ---: | ---: | --- |',
  ];
  for (const now of after.results) {
    const then = before.results.find((one) => one.name === now.name && one.unit === now.unit);
    lines.push(then === undefined ? newRow(now) : row(then, now));
  }
  const gone = before.results.filter(
    (then) => !after.results.some((now) => now.name === then.name && now.unit === then.unit),
  );
  for (const then of gone)
    lines.push(cells([then.name, then.unit, value(then), '', ratio(then), '', 'gone']));
  const machines = [before, after].map(({ machine }) => `${machine.cpu} × ${machine.cores}`);
  if (machines[0] !== machines[1]) {
    lines.push('', `Different machines (${machines.join('; ')}): only ratios can be compared.`);
  }
  if (before.isQuick || after.isQuick)
    lines.push('', 'At least one is a --quick run: not a result.');
  return `${lines.join('\n')}\n`;
}

function row(then: Result, now: Result): string {
  return cells([
    now.name,
    now.unit,
    value(then),
    value(now),
    ratio(then),
    ratio(now),
    change(then, now),
  ]);
}

function newRow(now: Result): string {
  return cells([now.name, now.unit, '', value(now), '', ratio(now), 'new']);
}

/** `better`, `worse` or `same`, with the size; overlapping rounds are the same. */
export function change(then: Result, now: Result): string {
  const from = measured(then, now);
  const to = measured(now, then);
  if (from.value === 0) return '';
  const moved = to.value / from.value - 1;
  const isOverlapping = to.spread[0] <= from.spread[1] && from.spread[0] <= to.spread[1];
  const percent = `${moved > 0 ? '+' : '−'}${shortNumber(Math.abs(moved) * 100)} %`;
  if (isOverlapping || Math.abs(moved) < NOISE) return `same (${percent})`;
  return `${moved < 0 === (now.better === 'less') ? 'better' : '**worse**'} (${percent})`;
}

/** The ratio to the ceiling when both results have one, else the value itself. */
function measured(result: Result, other: Result): { value: number; spread: Result['spread'] } {
  const { ratio: own, ratioSpread } = result;
  return own === null || ratioSpread === null || other.ratio === null
    ? { value: result.value, spread: result.spread }
    : { value: own, spread: ratioSpread };
}

function value(result: Result): string {
  return boundSign(result) + shortNumber(result.value);
}

function ratio(result: Result): string {
  return result.ratio === null ? '' : shortNumber(result.ratio);
}

function describe({ machine, rounds }: ResultFile): string {
  return `${machine.commit}${machine.isDirty ? ' with changes' : ''}, ${rounds} rounds`;
}

function cells(all: readonly string[]): string {
  return `| ${all.join(' | ')} |`;
}

function main(files: readonly string[]): void {
  const [before, after] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as ResultFile);
  if (before === undefined || after === undefined) {
    console.error('usage: npx tsx bench/report.ts before.json after.json');
    process.exitCode = 2;
    return;
  }
  console.log(compare(before, after));
}

if (import.meta.filename === process.argv[1]) main(process.argv.slice(2));
