// The palette keeps its promise: every text and background pair of the interface meets WCAG AA in
// both schemes.
import { readFileSync } from 'node:fs';
import t from 'tap';

const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8');
const [lightCss = '', darkCss = ''] = css.split('@media (prefers-color-scheme: dark)');

function readColors(text: string): Map<string, string> {
  const found = text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})\b/g);
  return new Map([...found].map(([, name = '', color = '']) => [name, color]));
}

const light = readColors(lightCss);
const schemes = { light, dark: new Map([...light, ...readColors(darkCss)]) };

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const names = ['0', '1', '2', '3', '4', '5', '6', 'model', 'moderator', 'admin'];
const textPairs: [text: string, background: string][] = [
  ...['bg', 'surface', 'raised', 'sunken'].flatMap((background): [string, string][] => [
    ['text', background],
    ['muted', background],
  ]),
  ...names.map((name): [string, string] => [`name-${name}`, 'surface']),
  ...names.map((name): [string, string] => [`name-${name}`, 'info-bg']),
  ['accent-text', 'surface'],
  ['on-bill', 'bill'],
  ['on-live', 'live'],
  ['danger', 'surface'],
  ['danger', 'bg'],
  ['danger', 'danger-bg'],
  ['good', 'good-bg'],
  ['text', 'info-bg'],
];
/** Borders of fields and the focus ring need 3:1 only. */
const edgePairs: [string, string][] = [
  ['edge', 'bg'],
  ['edge', 'surface'],
  ['focus', 'bg'],
  ['focus', 'surface'],
  ['good', 'surface'],
];

for (const [scheme, colors] of Object.entries(schemes)) {
  await t.test(`text of the ${scheme} scheme stands out by 4.5:1, edges by 3:1`, (t) => {
    const check = (pairs: [string, string][], least: number): void => {
      for (const [front, back] of pairs) {
        const ratio = contrast(colors.get(front) ?? '', colors.get(back) ?? '');
        t.ok(ratio >= least, `${front} on ${back}: ${ratio.toFixed(2)}`);
      }
    };
    check(textPairs, 4.5);
    check(edgePairs, 3);
    t.end();
  });
}
