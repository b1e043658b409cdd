// The price of a room as its model sets it, turned into the tariff that sessions are charged by.
// Used by the API (PUT /v1/rooms/:id) and terms.ts. The models of the contract are the five below;
// the scripts know three (tariff.ts) with free time, minimum and limit.
import { billingError } from './errors.js';
import { parseMilli } from './money.js';
import type { PriceRequest } from './schema.js';
import { perMinute, PRICE_MAX, type Tariff } from './tariff.js';

const MINUTE_SEC = 60n;

/**
 * @param price milli-credits a minute; what models other than `ticket` are reckoned from
 * @returns a tariff without the payee's share
 * @throws AppError BILLING_BAD_REQUEST for members that the model does not have,
 * BILLING_AMOUNT_INVALID for a price of 0 or above 1e9 a unit
 */
export function tariffOf(price: bigint, request: PriceRequest | undefined): Tariff {
  if (price > PRICE_MAX) throw billingError('BILLING_AMOUNT_INVALID', { amount: String(price) });
  const plain = perMinute(price, 0);
  if (request === undefined) return plain;
  checkMembers(request);
  const { model, blockSec = 600, graceSec = 0, maxSec = 0, freeSec = maxSec } = request;
  const common: Tariff = {
    ...plain,
    freeMs: BigInt(graceSec) * 1_000n,
    minCharge: parseMilli(request.minimumMilli ?? '0'),
    maxMs: BigInt(maxSec) * 1_000n,
  };
  switch (model) {
    case 'perMinute':
      return sold(common);
    case 'startedMinute':
      return sold({ ...common, model: 'u' });
    case 'block': {
      const unitMs = BigInt(blockSec) * 1_000n;
      return sold({
        ...common,
        model: 'u',
        price: (price * BigInt(blockSec)) / MINUTE_SEC,
        unitMs,
      });
    }
    case 'ticket':
      return sold({ ...common, model: 't', price: parseMilli(request.ticketMilli ?? '0') });
    case 'free':
      return { ...plain, price: 0n, maxMs: BigInt(freeSec) * 1_000n };
  }
}

/** Whether a viewer needs a session: something is charged, or the time is limited. */
export function isMetered({ price, maxMs }: Tariff): boolean {
  return price > 0n || maxMs > 0n;
}

function sold(tariff: Tariff): Tariff {
  const { price } = tariff;
  if (price === 0n || price > PRICE_MAX) {
    throw billingError('BILLING_AMOUNT_INVALID', { amount: String(price) });
  }
  return tariff;
}

const OPTIONAL = ['blockSec', 'ticketMilli', 'minimumMilli', 'graceSec', 'freeSec'] as const;
const MEMBERS: Readonly<Record<PriceRequest['model'], readonly string[]>> = {
  perMinute: ['minimumMilli', 'graceSec'],
  startedMinute: ['minimumMilli', 'graceSec'],
  block: ['blockSec', 'minimumMilli', 'graceSec'],
  ticket: ['ticketMilli'],
  free: ['freeSec'],
};

function checkMembers(request: PriceRequest): void {
  const { model } = request;
  const foreign = OPTIONAL.find((name) => {
    return request[name] !== undefined && !MEMBERS[model].includes(name);
  });
  if (foreign !== undefined) {
    const problem = `/tariff/${foreign} means nothing for the model ${model}`;
    throw billingError('BILLING_BAD_REQUEST', { problem });
  }
}
