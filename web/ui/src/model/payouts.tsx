// Asking for what is ready to be paid out, and what became of earlier wishes. One key per wish: a
// double click or a retry after a lost answer pays once.
import { useState } from 'react';
import { useForm } from '../account/use-form.js';
import { fetchEarnings, fetchPayouts, requestPayout } from '../api/models.js';
import type { Payout } from '../api/models.js';
import { formatDate } from '../format/clock.js';
import { formatCredits, formatCreditsUnit, parseCredits } from '../format/credits.js';
import { CommandKey } from '../state/command-key.js';
import { createStore } from '../state/store.js';
import { useLoad } from '../state/use-load.js';
import { useStore } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';

/** Grows with every wish, so that all sums on the page follow. */
export const payoutsAsked = createStore(0);

export const payoutStates: Record<Payout['state'], string> = {
  requested: 'Requested',
  in_flight: 'On the way',
  paid: 'Paid',
  failed: 'Failed',
  returned: 'Returned',
};

const methods = [
  ['bank', 'Bank transfer'],
  ['paypal', 'PayPal'],
  ['card', 'Card'],
] as const;

type Method = (typeof methods)[number][0];

function PayoutForm({ available, onDone }: { available: string; onDone: () => void }) {
  const [command] = useState(() => new CommandKey());
  const [method, setMethod] = useState<Method>('bank');
  const [done, setDone] = useState(false);
  const form = useForm(async (fields) => {
    const amount = parseCredits(fields['amount'] ?? '');
    const wish = { method, ...(amount === undefined ? {} : { amountMilli: String(amount) }) };
    await command.use(JSON.stringify(wish), (key) => requestPayout({ ...wish, key }));
    setDone(true);
    onDone();
  });
  return (
    <form className="stack" onSubmit={form.submit} onChange={() => setDone(false)} noValidate>
      <div className="field-pair">
        <Field
          label="Amount"
          name="amount"
          unit="credits"
          inputMode="decimal"
          autoComplete="off"
          placeholder={formatCredits(available)}
          hint="Empty = all that is ready."
          error={form.fieldError('amountMilli')}
        />
        <Select label="Paid by" value={method} options={methods} onChange={setMethod} />
      </div>
      {form.problem ? <Notice tone="error">{form.problem.message}</Notice> : null}
      {done ? <Notice tone="done">Your wish has arrived. The house decides on it.</Notice> : null}
      <div>
        <Button
          look="primary"
          type="submit"
          isBusy={form.isBusy}
          disabled={available === '0'}
          data-testid="payout-request"
        >
          Ask for a payout
        </Button>
      </div>
    </form>
  );
}

function PayoutTable({ payouts }: { payouts: readonly Payout[] }) {
  return (
    <div className="table-frame" tabIndex={0} role="group" aria-label="Payouts">
      <table className="table" data-testid="payouts">
        <thead>
          <tr>
            <th scope="col">Asked</th>
            <th scope="col">State</th>
            <th scope="col" className="cell-number">
              Credits
            </th>
          </tr>
        </thead>
        <tbody>
          {payouts.map((one) => (
            <tr key={one.id}>
              <td>{formatDate(new Date(one.createdMs).toISOString())}</td>
              <td>
                {payoutStates[one.state]}
                {one.reason === undefined ? '' : ` (${one.reason})`}
              </td>
              <td className="cell-number number">{formatCredits(one.amountMilli)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** `total` changes with every earning, so that the sums are read again. */
export function Payouts({ total }: { total: string | undefined }) {
  const asked = useStore(payoutsAsked);
  const { data: summary, problem, reload } = useLoad(fetchEarnings, [total, asked]);
  const { data: page } = useLoad(fetchPayouts, [asked]);
  return (
    <section className="panel stack" aria-label="Payouts">
      <h2>Payouts</h2>
      {problem ? (
        <>
          <Notice tone="error">{problem.message}</Notice>
          <div>
            <Button size="small" onClick={reload}>
              Try again
            </Button>
          </div>
        </>
      ) : null}
      {summary ? (
        <>
          <p>
            <strong className="number">{formatCreditsUnit(summary.available)}</strong> are ready to
            be paid out.
          </p>
          <PayoutForm
            available={summary.available}
            onDone={() => payoutsAsked.update((count) => count + 1)}
          />
        </>
      ) : null}
      {page && page.items.length > 0 ? <PayoutTable payouts={page.items} /> : null}
    </section>
  );
}
