// The site's own colour, made fit to read: text on it is dark or light, whichever stands out, and
// as text on the page it is moved towards the scheme's text until it can be read. Pure.

type Rgb = readonly [number, number, number];

export interface Accent {
  bill: string;
  onBill: string;
  /** As text on a light page, and on a dark one. */
  onLight: string;
  onDark: string;
}

function parse(colour: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  if (!match) return undefined;
  const [red = 0, green = 0, blue = 0] = match.slice(1).map((part) => parseInt(part, 16));
  return [red, green, blue];
}

const hex = (colour: Rgb): string =>
  `#${colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const ink: Rgb = [23, 18, 10];
const black: Rgb = [0, 0, 0];
const light: Rgb = [255, 255, 255];
/** The least friendly backgrounds that accent text stands on: bg when light, info-bg when dark. */
const lightPage: Rgb = [243, 241, 245];
const darkPage: Rgb = [53, 44, 12];
const readable = 4.6;

function towards(colour: Rgb, goal: Rgb, page: Rgb): string {
  for (let step = 0; step <= 20; step += 1) {
    const share = step / 20;
    const mixed = colour.map((part, at) => part + ((goal[at] ?? 0) - part) * share);
    const candidate = mixed as unknown as Rgb;
    if (contrast(candidate, page) >= readable) return hex(candidate);
  }
  return hex(goal);
}

/** Ink of the house where it can be read; black or white always can. */
function textOn(page: Rgb): Rgb {
  if (contrast(page, ink) >= readable) return ink;
  return contrast(page, black) >= contrast(page, light) ? black : light;
}

/** Undefined for what is no `#rrggbb`. */
export function accentOf(colour: string): Accent | undefined {
  const base = parse(colour);
  if (!base) return undefined;
  return {
    bill: hex(base),
    onBill: hex(textOn(base)),
    onLight: towards(base, black, lightPage),
    onDark: towards(base, light, darkPage),
  };
}
