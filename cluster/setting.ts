// Builders for one row of the configuration table: how a variable is read, its range and its words.
// Used only by config.ts; a parser never throws, it answers with a value or with what is wrong.
import { coerceError } from './errors.js';
import { parseRedisUrl } from './redis-url.js';

/** Outcome of reading one variable. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string };

/** One row of the configuration table. `fallback` undefined means that the variable is required. */
export interface Setting<T> {
  readonly env: string;
  readonly doc: string;
  readonly range: string;
  readonly unit?: string;
  readonly secret: boolean;
  readonly fallback: T | undefined;
  parse(raw: string): Parsed<T>;
}

interface Words<T> {
  readonly doc: string;
  readonly fallback?: T;
  readonly unit?: string;
  readonly secret?: boolean;
}

function row<T>(
  env: string,
  range: string,
  words: Words<T>,
  parse: (raw: string) => Parsed<T>,
): Setting<T> {
  return {
    env,
    range,
    doc: words.doc,
    secret: words.secret ?? false,
    fallback: words.fallback,
    parse,
    ...(words.unit === undefined ? {} : { unit: words.unit }),
  };
}

/** A whole number within [min, max], decimal digits only. */
export function int(
  env: string,
  bounds: { min: number; max: number },
  words: Words<number>,
): Setting<number> {
  return row(env, `${bounds.min}…${bounds.max}`, words, (raw) => {
    const value = /^-?\d{1,16}$/.test(raw) ? Number(raw) : NaN;
    return value >= bounds.min && value <= bounds.max
      ? { ok: true, value }
      : { ok: false, problem: `must be a whole number in ${bounds.min}…${bounds.max}` };
  });
}

/** A TCP port. */
export function port(env: string, words: Words<number>): Setting<number> {
  return int(env, { min: 0, max: 65535 }, words);
}

/** A string of at least `minLength` characters that matches `pattern`, where given. */
export function text(
  env: string,
  words: Words<string> & { minLength?: number; pattern?: RegExp },
): Setting<string> {
  const minLength = words.minLength ?? 0;
  return row(env, minLength > 0 ? `≥ ${minLength} characters` : 'text', words, (raw) => {
    if (raw.length < minLength) {
      return { ok: false, problem: `must have at least ${minLength} characters` };
    }
    if (words.pattern !== undefined && !words.pattern.test(raw)) {
      return { ok: false, problem: `must match ${words.pattern.source}` };
    }
    return { ok: true, value: raw };
  });
}

/** `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`. */
export function bool(env: string, words: Words<boolean>): Setting<boolean> {
  return row(env, 'true | false', words, (raw) => {
    if (/^(true|1|yes|on)$/i.test(raw)) return { ok: true, value: true };
    if (/^(false|0|no|off)$/i.test(raw)) return { ok: true, value: false };
    return { ok: false, problem: 'must be true or false' };
  });
}

/** One of a closed set of words. */
export function choice<const C extends string>(
  env: string,
  choices: readonly C[],
  words: Words<C>,
): Setting<C> {
  return row(env, choices.join(' | '), words, (raw) => {
    const value = choices.find((one) => one === raw);
    return value === undefined
      ? { ok: false, problem: `must be one of ${choices.join(', ')}` }
      : { ok: true, value };
  });
}

/** A URL with one of the given schemes (without the colon); an empty fallback means "not set". */
export function url(
  env: string,
  schemes: readonly string[],
  words: Words<string>,
): Setting<string> {
  return row(env, schemes.map((one) => `${one}://…`).join(' | '), words, (raw) => {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\/./i.exec(raw)?.[1]?.toLowerCase();
    return scheme !== undefined && schemes.includes(scheme) && URL.canParse(raw)
      ? { ok: true, value: raw }
      : { ok: false, problem: `must be a URL of the form ${schemes.join(':// or ')}://…` };
  });
}

/** One Redis or the seed nodes of a Redis Cluster, as parseRedisUrl takes it. */
export function redisUrl(env: string, words: Words<string>): Setting<string> {
  return row(env, 'redis(s)://… | redis(s)-cluster://h:p,h:p', words, (raw) => {
    try {
      parseRedisUrl(raw);
      return { ok: true, value: raw };
    } catch (thrown) {
      return { ok: false, problem: `is ${coerceError(thrown).message}` };
    }
  });
}

/** Comma-separated words, blanks around them ignored; an empty value is the empty list. */
export function list(
  env: string,
  words: Words<readonly string[]> & { item?: RegExp },
): Setting<readonly string[]> {
  return row(env, 'comma-separated', words, (raw) => {
    const items = raw
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    const bad = items.find((one) => words.item !== undefined && !words.item.test(one));
    return bad === undefined
      ? { ok: true, value: Object.freeze(items) }
      : { ok: false, problem: `has a malformed item "${bad}"` };
  });
}

/** An address or a network, for lists of them. */
export const CIDR = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;
