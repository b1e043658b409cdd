// From a document to a programme: finds out the format, validates, and says with places what is
// wrong. Used by uploads and by the refresher; never throws for bad documents.
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { FieldError } from '../errors.js';
import { finishDraft, problem, PROBLEMS_MAX, type Draft, type Imported } from './draft.js';
import { draftFromFrab, FrabSchedule } from './frab-format.js';
import { draftFromPlain, PLAIN_FORMAT, PlainProgramme } from './plain-format.js';

/** A large congress with all abstracts has about 2 MiB. */
export const DOCUMENT_BYTES_MAX = 4 * 1_048_576;

export interface ImportOptions {
  /** For frab exports that do not name one. */
  readonly timeZone: string;
}

export function importText(text: string, options: ImportOptions): Imported {
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return refused('BAD_JSON', 'This is not JSON.');
  }
  return importDocument(document, options);
}

export function importDocument(document: unknown, options: ImportOptions): Imported {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return refused('UNKNOWN_FORMAT', 'A programme is a JSON object.');
  }
  if (Object.hasOwn(document, 'schedule')) {
    return read(FrabSchedule, document, (frab) => draftFromFrab(frab, options));
  }
  if (Object.hasOwn(document, 'format')) return read(PlainProgramme, document, draftFromPlain);
  const words = `Neither "schedule" (pretalx, frab) nor "format": "${PLAIN_FORMAT}" is there.`;
  return refused('UNKNOWN_FORMAT', words);
}

function read<S extends TSchema>(
  schema: S,
  document: unknown,
  toDraft: (valid: Static<S>) => Draft,
): Imported {
  if (Value.Check(schema, document)) return finishDraft(toDraft(document));
  const problems = Value.Errors(schema, document).slice(0, PROBLEMS_MAX).flatMap(describe);
  return { ok: false, problems: problems.slice(0, PROBLEMS_MAX) };
}

interface Refusal {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

function describe({ keyword, instancePath, params, message }: Refusal): FieldError[] {
  // Said of the same member as `additionalProperties`, in worse words.
  if (keyword === 'boolean') return [];
  const path = instancePath.split('/').slice(1);
  const place = (...more: string[]): string => [...path, ...more].join('.').slice(0, 200);
  const named = Object.values(params as Record<string, unknown>).find(Array.isArray);
  if (keyword === 'required' && named !== undefined) {
    return named.map((name) => problem(place(String(name)), 'MISSING', 'This is required.'));
  }
  if (keyword === 'additionalProperties' && named !== undefined) {
    return named.map((name) => problem(place(String(name)), 'UNKNOWN', 'This is not known here.'));
  }
  return [problem(place(), 'INVALID', `This ${message}.`.slice(0, 200))];
}

function refused(code: string, message: string): Imported {
  return { ok: false, problems: [problem('', code, message)] };
}
