// A refused or failed request in the shape of RFC 9457 (problem+json). Pages show `detail`, and put
// `errors` beside the fields that they name.
export interface FieldError {
  field: string;
  message: string;
}

export interface ProblemFields {
  status: number;
  code: string;
  detail: string;
  errors: FieldError[];
  extra: Record<string, unknown>;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];
  /** Extension members, such as the price and balance of a PAYMENT_REQUIRED answer. */
  readonly extra: Record<string, unknown>;

  constructor(fields: ProblemFields) {
    super(fields.detail);
    this.name = 'Problem';
    this.status = fields.status;
    this.code = fields.code;
    this.errors = fields.errors;
    this.extra = fields.extra;
  }

  /** Message for a form field, if the server named it. */
  fieldError(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.message;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Accepts `[{ field | path | pointer, message | detail }]` and `{ field: message }`. */
function parseFieldErrors(value: unknown): FieldError[] {
  if (Array.isArray(value)) {
    return value.filter(isRecord).map((item) => ({
      field: (text(item['field']) ?? text(item['path']) ?? text(item['pointer']) ?? '').replace(
        /^[#/.]+/,
        '',
      ),
      message: text(item['message']) ?? text(item['detail']) ?? 'Please check this field.',
    }));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).map(([field, message]) => ({
    field,
    message: text(message) ?? 'Please check this field.',
  }));
}

export function parseProblem(status: number, body: unknown): Problem {
  const record = isRecord(body) ? body : {};
  return new Problem({
    status,
    code: text(record['code']) ?? `HTTP_${String(status)}`,
    detail: text(record['detail']) ?? text(record['title']) ?? describeStatus(status),
    errors: parseFieldErrors(record['errors']),
    extra: record,
  });
}

function describeStatus(status: number): string {
  if (status === 429) return 'Too many attempts. Please wait a moment and try again.';
  if (status === 404) return 'This page does not exist.';
  if (status >= 500) return 'The site has a problem at the moment. Please try again soon.';
  return 'The request was not accepted.';
}

/** Whether waiting helps: the site, or a part of it, does not answer at the moment. */
export function isAway({ status }: Problem): boolean {
  return status === 0 || status === 502 || status === 503 || status === 504;
}

/**
 * Whether billing has refused a command: that holds for its key, under which nothing was done. Not
 * so after an answer that was lost: then the key must stay.
 */
export function isRefused({ status, code }: Problem): boolean {
  return [402, 403, 409].includes(status) && code !== 'KEY_REUSED';
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({
    status: 0,
    code: 'OFFLINE',
    detail: 'The site cannot be reached. Check your connection and try again.',
    errors: [],
    extra: {},
  });
}
