// The books at a glance: balances by kind of account, and the sum that must be zero.
import { useEffect } from 'react';
import { fetchFinance } from '../api/admin.js';
import { formatCredits } from '../format/credits.js';
import { useLoad } from '../state/use-load.js';
import { IconButton } from '../ui/button.js';
import { RefreshIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';

const refreshEveryMs = 10_000;

function accountName(name: string): string {
  const words = name.replaceAll(/[_.-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Accounts of real money hold hundredths of its currency, all others milli-credits. */
function amountOf({ name, balance }: { name: string; balance: string }): string {
  return /^(fiat|psp)_/.test(name)
    ? `${(Number(balance) / 100).toFixed(2)} in money`
    : formatCredits(balance);
}

/** `grants` counts what this page has changed, so that the books are read again. */
export function Finance({ grants }: { grants: number }) {
  const { data, problem, reload } = useLoad(fetchFinance, [grants]);
  useEffect(() => {
    const clock = window.setInterval(reload, refreshEveryMs);
    return () => window.clearInterval(clock);
  }, [reload]);
  return (
    <section className="panel stack" aria-label="Ledger">
      <div className="panel-head">
        <h2>Ledger</h2>
        <IconButton label="Read again" onClick={reload}>
          <RefreshIcon />
        </IconButton>
      </div>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {data ? (
        <>
          <div className="table-frame">
            <table className="table">
              <caption className="visually-hidden">Balances by account, in credits</caption>
              <thead>
                <tr>
                  <th scope="col">Account</th>
                  <th scope="col" className="cell-number">
                    Credits
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.accounts.map((one) => (
                  <tr key={one.name}>
                    <td>{accountName(one.name)}</td>
                    <td className="cell-number number">{amountOf(one)}</td>
                  </tr>
                ))}
              </tbody>
              <tfoot>
                <tr>
                  <td>Sum of all entries</td>
                  <td className="cell-number number" data-testid="entries-sum">
                    {formatCredits(data.entriesSum)}
                  </td>
                </tr>
              </tfoot>
            </table>
          </div>
          {data.entriesSum === '0' ? (
            <Notice tone="done">The books balance over {data.transfers} transfers.</Notice>
          ) : (
            <Notice tone="error">The books do not balance. Stop payouts and look into it.</Notice>
          )}
        </>
      ) : null}
    </section>
  );
}
