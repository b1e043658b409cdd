// The boundary of faults: whatever a handler throws becomes problem+json (RFC 9457) with a code of
// errors.ts. Faults of our own are logged with a request id and never described to the client.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, coerceError } from '../../cluster/index.js';
import { isDatabaseAway } from '../db/database.js';
import {
  DetailedError,
  errorTable,
  FieldsError,
  siteError,
  type ErrorCode,
  type FieldError,
} from '../errors.js';
import type { App } from './app-type.js';

/** Installs the error handler and the answer for unknown API addresses. */
export function installProblems(app: App): void {
  app.setErrorHandler<Thrown>((thrown, request, reply) => {
    const fault = toSiteError(thrown);
    if (fault.http >= 500) logFault(request, fault, thrown);
    return sendProblem(reply, fault);
  });
}

/** The same for every occurrence (RFC 9457 3.1.3): the sentence without its details. */
function titleOf(code: ErrorCode): string {
  const sentence = errorTable[code].message.replace(/[:,]?[^:,{]*\{\w+\}/g, '');
  return sentence === '' ? 'This is not possible' : sentence;
}

export function sendProblem(reply: FastifyReply, fault: AppError<ErrorCode>): FastifyReply {
  if (fault.retry && fault.http === 503) void reply.header('retry-after', '2');
  return reply
    .code(fault.http)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({
      type: `urn:showbill:problem:${fault.code}`,
      title: titleOf(fault.code),
      status: fault.http,
      code: fault.code,
      detail: fault.message,
      retry: fault.retry,
      ...(fault instanceof DetailedError ? fault.members : {}),
      ...(fault instanceof FieldsError ? { errors: fault.fields } : {}),
    });
}

function logFault(request: FastifyRequest, fault: AppError, thrown: unknown): void {
  const line = { event: 'request.failed', code: fault.code, route: request.routeOptions.url };
  if (fault.code === 'INTERNAL') request.log.error({ ...line, err: coerceError(thrown) });
  else request.log.warn({ ...line, reason: rootCause(thrown).message });
}

/** What was behind it all: the message of a wrapped fault helps nobody who reads logs. */
function rootCause(thrown: unknown): Error {
  const error = coerceError(thrown);
  return error.cause === undefined ? error : rootCause(error.cause);
}

/** Fastify's own refusals by their code; everything that is not listed is BAD_REQUEST. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_JSON_BODY: 'BAD_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'BAD_JSON',
  FST_ERR_NOT_FOUND: 'NOT_FOUND',
};

/** What Fastify and its plug-ins add to an Error. */
interface Thrown extends Error {
  readonly statusCode?: number;
  readonly code?: string;
  readonly validation?: Refusal[];
}

function toSiteError(thrown: Thrown): AppError<ErrorCode> {
  if (isSiteError(thrown)) return thrown;
  if (thrown.validation !== undefined) {
    return new FieldsError('BAD_INPUT', thrown.validation.map(toFieldError));
  }
  if (isDatabaseAway(thrown)) return siteError('DATABASE_UNAVAILABLE', {}, thrown);
  const status = thrown.statusCode;
  if (status === 429) return siteError('RATE_LIMITED');
  if (status !== undefined && status >= 400 && status < 500) {
    if (thrown instanceof SyntaxError) return siteError('BAD_JSON');
    return siteError(FASTIFY_CODES[thrown.code ?? ''] ?? 'BAD_REQUEST');
  }
  return siteError('INTERNAL', {}, thrown);
}

function isSiteError(thrown: unknown): thrown is AppError<ErrorCode> {
  return thrown instanceof AppError && thrown.code in errorTable;
}

interface Refusal {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
}

const CODES: Readonly<Record<string, string>> = {
  required: 'MISSING',
  additionalProperties: 'UNKNOWN',
  type: 'WRONG_TYPE',
  minLength: 'TOO_SHORT',
  maxLength: 'TOO_LONG',
};

/**
 * One refusal of the validator as the client shows it, with the schema's own hint where there is
 * one.
 */
function toFieldError(refusal: Refusal): FieldError {
  const { keyword, params, instancePath, parentSchema } = refusal;
  const path = instancePath.split('/').slice(1);
  const extra = params['missingProperty'] ?? params['additionalProperty'];
  if (typeof extra === 'string') path.push(extra);
  const hint = parentSchema?.['x-hint'];
  const words =
    keyword === 'required'
      ? 'This is required.'
      : keyword === 'additionalProperties'
        ? 'This member is not known here.'
        : typeof hint === 'string'
          ? hint
          : `This ${refusal.message ?? 'is not valid'}.`;
  return { field: path.join('.'), code: CODES[keyword] ?? 'INVALID', message: words };
}
