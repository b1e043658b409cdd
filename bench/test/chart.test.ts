// The chart of a result file: a bar for each contender, longer for what costs more.
import t from 'tap';
import { chart } from '../chart.js';
import type { ResultFile } from '../lib/result.js';

const file = {
  scenario: 'fanout',
  rounds: 5,
  machine: { cpu: 'A <CPU>', cores: 2, node: 'v20', startedAt: '2026-11-21T10:00:00Z' },
  results: [
    {
      ...{ name: '500 × 8', value: 0.5, unit: 'µs', ceiling: { name: 'raw', value: 1 } },
      peers: [{ name: 'ws & co', version: '8', value: 4, ratio: 0.125, ratioMax: null }],
    },
  ],
} as unknown as ResultFile;

t.test('each contender has a bar, on a scale that orders them', (t) => {
  const svg = chart(file);
  const widths = [...svg.matchAll(/width="([\d.]+)" height="16"/g)].map(([, width]) =>
    Number(width),
  );
  t.equal(widths.length, 3);
  t.same(
    widths,
    [...widths].sort((a, b) => a - b),
    'shorter is cheaper',
  );
  t.match(svg, 'ws &amp; co');
  t.match(svg, 'A &lt;CPU>');
  t.notMatch(svg, 'NaN');
  t.end();
});
