// The finance commands of the command line: `<command> [words] --field value …`, with the fields
// and the checks of the API's schemas. Prints one JSON document. Used by ../commands.ts; runs the
// same services as the API.
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { billingError } from '../errors.js';
import type { Finance } from './finance.js';
import * as schema from './schema.js';

export interface FinanceCommand {
  readonly usage: string;
  run(finance: Finance, args: readonly string[]): Promise<unknown>;
}

/** `--name value` pairs after the words. */
interface Parsed {
  readonly words: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
}

const ID = /^[1-9]\d{0,18}$/;
const AUDIT_LIMIT = 50;
const ACTIONS = ['approve', 'complete', 'fail', 'return'] as const;

export const FINANCE_COMMANDS: Readonly<Record<string, FinanceCommand>> = {
  purchase: command('purchase', schema.purchaseRequest, (finance, body) => {
    return finance.purchases.capture(body);
  }),
  'purchase-refund': command('purchase-refund', schema.purchaseRefundRequest, (finance, body) => {
    return finance.purchases.refund(body);
  }),
  chargeback: command('chargeback', schema.chargebackRequest, (finance, body) => {
    return finance.purchases.chargeback(body);
  }),
  refund: command('refund', schema.refundRequest, (finance, body) => finance.refunds.give(body)),
  campaign: command('campaign', schema.campaignRequest, (finance, body) => {
    return finance.campaigns.create(body);
  }),
  grant: command('grant <campaign>', schema.campaignGrantRequest, (finance, body, [id]) => {
    return finance.campaigns.grant(idOf(id), body);
  }),
  adjust: command('adjust', schema.adjustmentRequest, (finance, body) => {
    return finance.adjustments.request(body);
  }),
  approve: command(
    'approve <adjustment>',
    schema.decisionRequest,
    ({ adjustments }, body, [id]) => {
      return adjustments.approve(idOf(id), body.actor);
    },
  ),
  reject: command('reject <adjustment>', schema.decisionRequest, ({ adjustments }, body, [id]) => {
    return adjustments.reject(idOf(id), body.actor);
  }),
  freeze: command('freeze <wallet>', schema.freezeRequest, async (finance, body, [id]) => {
    await finance.freezes.set({ ...body, wallet: idOf(id), source: 'manual' });
    return finance.lots.of(idOf(id));
  }),
  payout: {
    usage: `payout [${ACTIONS.join('|')} <payout>] ${flagsOf(schema.payoutRequest)}`,
    run: (finance, args) => {
      const { words, fields } = parse(args);
      const [word, id] = words;
      if (word === undefined) return finance.payouts.request(check(schema.payoutRequest, fields));
      const step = ACTIONS.find((one) => one === word);
      if (step === undefined) throw wrong(`payout: no step ${word}`);
      return finance.payouts.step(idOf(id), step, check(schema.payoutStepRequest, fields));
    },
  },
  report: {
    usage: `report <${schema.REPORT_KINDS.join('|')}> --from DAY --to DAY [--format csv]`,
    run: async ({ reports }, args) => {
      const { words, fields } = parse(args);
      const kind = schema.REPORT_KINDS.find((one) => one === words[0]);
      if (kind === undefined) throw wrong(`report: one of ${schema.REPORT_KINDS.join(', ')}`);
      const [from, to] = [fields.get('from') ?? '', fields.get('to') ?? ''];
      if (fields.get('format') !== 'csv') return reports.make(kind, from, to);
      return (await reports.csv(kind, from, to)).csv;
    },
  },
  audit: {
    usage: 'audit [verify|anchor] [--before ID]',
    run: async ({ audit }, args) => {
      const { words, fields } = parse(args);
      if (words[0] === 'anchor') return audit.anchor();
      if (words[0] === 'verify') return audit.verify();
      const before = fields.get('before');
      return audit.list({ limit: AUDIT_LIMIT, ...(before === undefined ? {} : { before }) });
    },
  },
};

function command<S extends TSchema>(
  words: string,
  shape: S,
  run: (finance: Finance, body: Static<S>, words: readonly string[]) => Promise<unknown>,
): FinanceCommand {
  return {
    usage: `${words} ${flagsOf(shape)}`,
    run: (finance, args) => {
      const { words: given, fields } = parse(args);
      return run(finance, check(shape, fields), given);
    },
  };
}

function propertiesOf(shape: TSchema): Readonly<Record<string, TSchema & { type?: string }>> {
  return (shape as unknown as { properties: Record<string, TSchema> }).properties;
}

function flagsOf(shape: TSchema): string {
  const { required = [] } = shape as { required?: readonly string[] };
  return Object.keys(propertiesOf(shape))
    .map((name) => (required.includes(name) ? `--${name} …` : `[--${name} …]`))
    .join(' ');
}

function parse(args: readonly string[]): Parsed {
  const words: string[] = [];
  const fields = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const [arg = '', value] = args.slice(at, at + 2);
    if (!arg.startsWith('--')) {
      words.push(arg);
      continue;
    }
    if (value === undefined) throw wrong(`${arg} has no value`);
    fields.set(arg.slice(2), value);
    at += 1;
  }
  return { words, fields };
}

/** @throws AppError BILLING_BAD_REQUEST with the field that does not fit */
function check<S extends TSchema>(shape: S, fields: ReadonlyMap<string, string>): Static<S> {
  const types = propertiesOf(shape);
  const value: unknown = Object.fromEntries(
    [...fields].map(([name, text]) => {
      const { type } = types[name] ?? {};
      if (type === 'integer' && /^\d+$/.test(text)) return [name, Number(text)];
      if (type === 'boolean' && /^(true|false)$/.test(text)) return [name, text === 'true'];
      return [name, text];
    }),
  );
  const validator = Compile(shape);
  if (validator.Check(value)) return value;
  const [first] = validator.Errors(value);
  throw wrong(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`.trim());
}

function idOf(text: string | undefined): string {
  if (text === undefined || !ID.test(text)) throw wrong('an id is missing');
  return text;
}

function wrong(problem: string): Error {
  return billingError('BILLING_BAD_REQUEST', { problem });
}
