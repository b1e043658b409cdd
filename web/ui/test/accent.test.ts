// The site's own colour stays readable, whatever an operator chooses.
import t from 'tap';
import { seededRandom } from '../../../cluster/testing/index.js';
import { accentOf, contrast } from '../src/site/accent.js';

const rgb = (hex: string): [number, number, number] => [
  parseInt(hex.slice(1, 3), 16),
  parseInt(hex.slice(3, 5), 16),
  parseInt(hex.slice(5, 7), 16),
];

await t.test('text on the colour, and the colour as text, meet 4.5:1 in both schemes', (t) => {
  const random = seededRandom(t);
  const any = (): string => `#${random.int(0, 0xffffff).toString(16).padStart(6, '0')}`;
  const colours = ['#ffd21f', '#ffffff', '#000000', '#808080', '#757575', '#e91e63'];
  for (const colour of [...colours, ...Array.from({ length: 200 }, any)]) {
    const accent = accentOf(colour);
    if (!accent) throw new Error(colour);
    const pairs = [
      [accent.onBill, accent.bill],
      [accent.onLight, '#ffffff'],
      [accent.onLight, '#fff5cf'],
      [accent.onLight, '#f3f1f5'],
      [accent.onDark, '#1a1720'],
      [accent.onDark, '#352c0c'],
    ] as const;
    for (const [text, page] of pairs) {
      const ratio = contrast(rgb(text), rgb(page));
      if (ratio < 4.5) t.fail(`${colour}: ${text} on ${page} is ${ratio.toFixed(2)}`);
    }
  }
  t.pass('all were readable');
  t.end();
});

await t.test('what is no colour changes nothing', (t) => {
  for (const wrong of ['', 'red', '#fff', '#gggggg', 'url(x)']) t.equal(accentOf(wrong), undefined);
  t.end();
});
