// File names of recordings from a template, such as `{stream}/%Y-%m-%d/%H%M%S-{unique}`.
// Invariant: a rendered path stays below the recording directory, whatever a stream is called.
import { assert } from '../../cluster/index.js';

export interface PathValues {
  readonly stream: string;
  readonly recorder: string;
  /** Unix ms; dates are UTC. */
  readonly atMs: number;
  /** Part of the recording's id. */
  readonly unique: string;
}

const TOKEN = /\{(?:stream|recorder|unix|unique)\}|%[YmdHMS]/g;
const PART = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,120}$/;

export class PathTemplate {
  readonly #text: string;

  /** @throws Error that says what is wrong with the template */
  constructor(text: string) {
    const problem = problemOf(text);
    if (problem !== undefined) throw new Error(`RECORD_PATH=${text} ${problem}`);
    this.#text = text;
  }

  /** Relative path without an extension. */
  render({ stream, recorder, atMs, unique }: PathValues): string {
    const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
    const [year = '', month = '', day = ''] = date.split('-');
    const [hour = '', minute = '', second = ''] = time.slice(0, 8).split(':');
    const values: Readonly<Record<string, string>> = {
      ...{ '{stream}': stream, '{recorder}': recorder, '{unique}': unique },
      ...{ '{unix}': String(Math.floor(atMs / 1_000)), '%Y': year, '%m': month, '%d': day },
      ...{ '%H': hour, '%M': minute, '%S': second },
    };
    const path = this.#text.replace(TOKEN, (token) => values[token] ?? '');
    assert(path.split('/').every(isPart), `not a recording path: ${path}`);
    return path;
  }
}

/** Whether it may be a file or folder name below the recording directory. */
function isPart(name: string): boolean {
  return PART.test(name);
}

function problemOf(text: string): string | undefined {
  const plain = text.replace(TOKEN, 'x');
  if (/[{}%]/.test(plain)) {
    return 'has an unknown place holder: use {stream} {recorder} {unix} {unique} %Y %m %d %H %M %S';
  }
  if (!plain.split('/').every(isPart)) {
    return 'must be a relative path of letters, digits, `_`, `-` and `.`, no part beginning with `.`';
  }
  return undefined;
}
