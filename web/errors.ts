// Every fault that the site answers with: status, retry advice and words, in one table. The README
// lists the same codes; a test keeps both equal. Clients decide by `code`, people read the message.
import { AppError, defineErrors, type ErrorRow } from '../cluster/index.js';

const row = (http: number, message: string, retry = false): ErrorRow => ({ http, message, retry });

export const errorTable = {
  BAD_INPUT: row(400, 'Some fields are not valid.'),
  BAD_JSON: row(400, 'The body is not valid JSON.'),
  BAD_REQUEST: row(400, 'The request is malformed.'),
  PICTURE_REFUSED: row(400, 'This picture cannot be used: {why}'),
  LINK_INVALID: row(400, 'This link is not valid any more. Ask for a new one.'),
  UNAUTHENTICATED: row(401, 'Please log in.'),
  BAD_CREDENTIALS: row(401, 'Name or password is wrong.'),
  SESSION_ENDED: row(401, 'This session has ended. Please log in again.'),
  SESSION_REUSED: row(401, 'A used refresh token came back, so the session was ended for safety.'),
  PAYMENT_REQUIRED: row(402, 'This show costs credits per minute. Repeat with "accept": true.'),
  INSUFFICIENT_CREDIT: row(402, 'Not enough credits. Top up and try again.'),
  FORBIDDEN: row(403, 'You may not do this.'),
  CSRF_REFUSED: row(403, 'Send the header "x-showbill: 1" from the pages of this site.'),
  ACCOUNT_INACTIVE: row(403, 'The account is not activated yet.'),
  ACCOUNT_SUSPENDED: row(403, 'The account is suspended.'),
  NOT_A_MODEL: row(403, 'Only approved models may do this.'),
  LAST_ADMIN: row(409, 'This is the last admin. Make somebody else an admin first.'),
  SECOND_PERSON: row(403, 'Somebody else has to approve what you have asked for.'),
  MEMBERS_ONLY: row(403, 'Log in to enter this room.'),
  NOT_FOUND: row(404, 'There is nothing here.'),
  ROOM_NOT_FOUND: row(404, 'There is no such room.'),
  USER_NOT_FOUND: row(404, 'There is no such user.'),
  APPLICATION_NOT_FOUND: row(404, 'There is no such application.'),
  SLOT_NOT_FOUND: row(404, 'There is no such show in the schedule.'),
  SESSION_NOT_FOUND: row(404, 'There is no such session of yours.'),
  METHOD_NOT_ALLOWED: row(405, 'The method is not allowed here.'),
  PACKAGE_NOT_FOUND: row(404, 'There is no such package.'),
  PURCHASE_NOT_FOUND: row(404, 'There is no such order.'),
  NOT_FOR_SALE: row(409, 'Credits are not sold here (WEB_PAYMENT_PROVIDER is none).'),
  ACCOUNT_EXISTS: row(409, 'This name or e-mail address is taken.'),
  ALREADY_APPLIED: row(409, 'There is an application already, in state {state}.'),
  ALREADY_DECIDED: row(409, 'The application has been decided already: {state}.'),
  SHOW_NOT_LIVE: row(409, 'The show has not started. You have not been charged.', true),
  PRIVATE_SHOW: row(403, 'A private show is on. Ask for one yourself, or come back later.'),
  PRIVATE_SHOW_ON: row(409, 'A private show is on. End it first.'),
  PRIVATE_NOT_OFFERED: row(409, 'There are no private shows in this room just now.'),
  PRICE_CHANGED: row(409, 'The price has changed. Look at it and accept again.'),
  KEY_REUSED: row(409, 'This idempotency key was used for another request.'),
  TIP_REFUSED: row(409, 'This tip is not possible: {why}'),
  SPENDING_LIMIT: row(409, 'A spending limit of yours forbids this. Credits shows your limits.'),
  TIME_USED_UP: row(409, 'Your time in this show is used up. You have not been charged.'),
  BALANCE_LIMIT: row(409, 'The balance would leave the allowed range.'),
  MODERATION_REFUSED: row(409, 'This act is not possible: {why}'),
  FINANCE_REFUSED: row(409, '{why}'),
  REQUEST_NOT_FOUND: row(404, 'There is no such request.'),
  REQUEST_EXISTS: row(409, 'There is a request already, in state {state}.'),
  REQUEST_DECIDED: row(409, 'The request has been decided already: {state}.'),
  RECORDING_NOT_FOUND: row(404, 'There is no such recording, or it is not shown.'),
  REPORT_NOT_FOUND: row(404, 'There is no such report.'),
  PROGRAMME_INVALID: row(400, 'This programme cannot be used; the one before stays in force.'),
  PROGRAMME_NOT_FOUND: row(404, 'There is no programme, or no such room in it.'),
  PROGRAMME_NO_SOURCE: row(409, 'No source is set. Name one or upload a programme.'),
  WEBHOOK_REFUSED: row(400, 'The signature does not fit.'),
  EVENT_TOO_EARLY: row(409, 'The payment of this event is not known yet. Send it again.', true),
  WALLET_FROZEN: row(403, 'The wallet is frozen; support can say why.'),
  BODY_TOO_LARGE: row(413, 'The body is too large.'),
  UNSUPPORTED_MEDIA_TYPE: row(415, 'Send application/json, or a picture where one is asked for.'),
  RATE_LIMITED: row(429, 'Too many attempts. Wait and try again.', true),
  INTERNAL: row(500, 'Something broke on our side.', true),
  INGEST_UNAVAILABLE: row(503, 'No ingest node is up just now.', true),
  PAYMENT_UNAVAILABLE: row(503, 'The payment provider does not answer just now.', true),
  BILLING_UNAVAILABLE: row(503, 'Credits are not available just now. Nothing was charged.', true),
  REALTIME_UNAVAILABLE: row(503, 'Live state is not available just now (Redis is away).', true),
  DATABASE_UNAVAILABLE: row(503, 'Accounts and rooms are not available just now.', true),
  OVERLOADED: row(503, 'The site is busy. Try again in a moment.', true),
} as const;

export type ErrorCode = keyof typeof errorTable;

/** Makes the error with that code; the boundary in http/problem.ts answers it. */
export const siteError = defineErrors(errorTable);

/** One field that was refused, as shown beside the field. */
export interface FieldError {
  /** Path of the member, dots between levels; empty for the body as a whole. */
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** A fault that belongs to named fields of a form. */
export class FieldsError extends AppError<ErrorCode> {
  constructor(
    code: ErrorCode,
    readonly fields: readonly FieldError[],
  ) {
    super(code, errorTable[code]);
    this.name = 'FieldsError';
  }
}

/** A fault that carries further members for the client, such as price and balance. */
export class DetailedError extends AppError<ErrorCode> {
  constructor(
    code: ErrorCode,
    readonly members: Readonly<Record<string, unknown>>,
    details: Readonly<Record<string, string>> = {},
  ) {
    super(code, errorTable[code], details);
    this.name = 'DetailedError';
  }
}
