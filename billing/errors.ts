// Every fault that billing answers with. Used by the API, its clients and the documentation; a
// test keeps this table and billing/README.md equal.
import { defineErrors } from '../cluster/index.js';

/** Code → HTTP status, whether the unchanged request may be sent again, and what mends it. */
export const BILLING_ERRORS = {
  BILLING_BAD_REQUEST: {
    http: 400,
    retry: false,
    message: 'The request is malformed: {problem}.',
  },
  BILLING_NOT_FOUND: { http: 404, retry: false, message: 'There is nothing at {path}.' },
  BILLING_AMOUNT_INVALID: {
    http: 400,
    retry: false,
    message:
      'The amount {amount} must be whole milli-credits up to 9e12, and above 0 to pay something.',
  },
  BILLING_INSUFFICIENT_CREDIT: {
    http: 402,
    retry: false,
    message: 'The balance does not cover this; buy credits first.',
  },
  BILLING_WALLET_FROZEN: {
    http: 403,
    retry: false,
    message: 'The wallet is frozen; support can say why.',
  },
  BILLING_ROOM_UNKNOWN: {
    http: 404,
    retry: false,
    message: 'No terms are set for room {room}; call PUT /v1/rooms/{room} first.',
  },
  BILLING_ROOM_CLOSED: { http: 409, retry: false, message: 'Room {room} is switched off.' },
  BILLING_NOT_PAID_ROOM: {
    http: 409,
    retry: false,
    message: 'Room {room} is free; it needs no billing session.',
  },
  BILLING_SELF_PAYMENT: {
    http: 409,
    retry: false,
    message: 'A model cannot pay into the own room.',
  },
  BILLING_TIP_LIMIT: {
    http: 409,
    retry: false,
    message: 'The tip is above the limit of {max} milli-credits.',
  },
  BILLING_SPEND_LIMIT: {
    http: 409,
    retry: false,
    message: 'A spending limit of this wallet does not allow it; the limit can be raised.',
  },
  BILLING_TIME_LIMIT: {
    http: 409,
    retry: false,
    message: 'The longest time of a viewer in this show is used up; wait for the next show.',
  },
  BILLING_KEY_CONFLICT: {
    http: 409,
    retry: false,
    message: 'This key was used with another body; take a new key for a new command.',
  },
  BILLING_KEY_EXPIRED: {
    http: 409,
    retry: false,
    message: 'This key is older than a day (or from the future); take a new key.',
  },
  BILLING_SESSION_UNKNOWN: {
    http: 404,
    retry: false,
    message: 'No session {session}; it ended more than a day ago or never was.',
  },
  BILLING_BALANCE_LIMIT: {
    http: 409,
    retry: false,
    message: 'The balance would leave 0 … 9e12 milli-credits.',
  },
  BILLING_KEY_TAKEN: {
    http: 409,
    retry: false,
    message: 'This stream key belongs to another stream.',
  },
  BILLING_SUBJECT_UNKNOWN: { http: 404, retry: false, message: 'There is no {what} {id}.' },
  BILLING_STATE_CONFLICT: {
    http: 409,
    retry: false,
    message: 'That cannot be done: {what} is {state}.',
  },
  BILLING_APPROVAL_NEEDED: {
    http: 403,
    retry: false,
    message: 'Another person than the actor must approve this: it is above {max} milli-credits.',
  },
  BILLING_SELF_APPROVAL: {
    http: 403,
    retry: false,
    message: 'Who asked for {what} may not approve it; another person must.',
  },
  BILLING_REFUND_LIMIT: {
    http: 409,
    retry: false,
    message: 'At most {max} milli-credits of this can still be given back.',
  },
  BILLING_REFUND_WINDOW: {
    http: 409,
    retry: false,
    message: 'This is older than {hours} hours; use an adjustment.',
  },
  BILLING_BUDGET_SPENT: {
    http: 409,
    retry: false,
    message: 'The campaign has {left} milli-credits left.',
  },
  BILLING_LOT_LIMIT: {
    http: 409,
    retry: false,
    message: 'The wallet has {max} bonus lots already; some must be spent or expire first.',
  },
  BILLING_PAYOUT_MINIMUM: {
    http: 409,
    retry: false,
    message: 'A payout must be at least {min} milli-credits and more than its fee.',
  },
  BILLING_PAYOUT_HOLD: {
    http: 409,
    retry: false,
    message: 'Payouts of {id} are on hold; change the terms of the performer first.',
  },
  BILLING_EARNINGS_SHORT: {
    http: 409,
    retry: false,
    message: 'Only {available} milli-credits can be paid out now.',
  },
  BILLING_FENCED: {
    http: 503,
    retry: true,
    message: 'The billing Redis is new and is being compared with the ledger; try again.',
  },
  BILLING_UNAVAILABLE: {
    http: 503,
    retry: true,
    message: 'Billing cannot reach {store}; try again with the same key.',
  },
} as const;

export type BillingErrorCode = keyof typeof BILLING_ERRORS;

/** Makes an AppError of this table. */
export const billingError = defineErrors(BILLING_ERRORS);
