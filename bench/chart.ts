// `npx tsx bench/chart.ts results/fanout.json results/fanout.svg`: a result file as bars, one group
// per measured point: ours, the ceiling and the peers of the same rounds, on a logarithmic scale.
// Text only, so that the picture is made again with each run and needs no library.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Result, ResultFile } from './lib/result.js';
import { shortNumber } from './lib/statistics.js';

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly kind: 'ours' | 'ceiling' | 'peer';
}

const WIDTH = 860;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 16;
const GROUP_GAP = 34;
const TOP = 58;
const COLOURS = { ours: '#0b7a75', ceiling: '#8d99ae', peer: '#c9ada7' } as const;

/** @returns SVG 1.1, readable on light and dark pages */
export function chart(file: ResultFile): string {
  const groups = file.results.map((result) => ({ result, bars: barsOf(result) }));
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const low = Math.min(...values) / 2;
  const span = Math.log(Math.max(...values) / low);
  const length = (value: number): number =>
    (Math.log(value / low) / span) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
  const lines: string[] = [];
  let y = TOP;
  for (const { result, bars } of groups) {
    lines.push(text(8, y, result.name, 'font-weight="600"'));
    for (const bar of bars) {
      y += BAR_HEIGHT + 4;
      lines.push(drawBar(bar, y, length(bar.value)));
    }
    y += GROUP_GAP;
  }
  const { machine } = file;
  const unit = file.results[0]?.unit ?? '';
  const about = `${machine.cpu} × ${machine.cores}, Node ${machine.node}, ${machine.startedAt.slice(0, 10)}`;
  const head = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}"`,
    ` font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(file.scenario)}">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(8, 20, `${file.scenario}: ${unit}, logarithmic, shorter is better`, 'font-size="14"'),
    text(8, 38, `median of ${file.rounds} interleaved rounds; ${about}`, 'fill="#555555"'),
  ];
  return [...head, ...lines, '</svg>', ''].join('\n');
}

function barsOf(result: Result): Bar[] {
  const { ceiling, peers } = result;
  return [
    { name: 'Showbill', value: result.value, kind: 'ours' },
    ...(ceiling === null ? [] : [{ ...ceiling, kind: 'ceiling' as const }]),
    ...peers.map(({ name, value }) => ({ name, value, kind: 'peer' as const })),
  ];
}

function drawBar({ name, value, kind }: Bar, y: number, length: number): string {
  const top = y - BAR_HEIGHT + 4;
  return [
    text(LABEL_WIDTH - 8, y, name, 'text-anchor="end"'),
    `<rect x="${LABEL_WIDTH}" y="${top}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" fill="${COLOURS[kind]}"/>`,
    text(LABEL_WIDTH + length + 6, y, shortNumber(value), ''),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , from = '', to = ''] = process.argv;
  if (from === '' || to === '') {
    console.error('usage: npx tsx bench/chart.ts <results.json> <chart.svg>');
    process.exitCode = 2;
  } else {
    writeFileSync(to, chart(JSON.parse(readFileSync(from, 'utf8')) as ResultFile));
  }
}
