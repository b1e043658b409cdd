// What the show has earned so far, after the house's share.
import type { ModelDesk } from '../api/models.js';
import { formatCredits } from '../format/credits.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';

interface EarningsProps {
  earnings: ModelDesk['earnings'];
  onReload: () => void;
}

export function Earnings({ earnings, onReload }: EarningsProps) {
  return (
    <section className="panel">
      <h2>Earnings</h2>
      {earnings === null ? (
        <div className="stack">
          <Notice tone="info">Earnings cannot be read at the moment. Nothing is lost.</Notice>
          <div>
            <Button size="small" onClick={onReload}>
              Try again
            </Button>
          </div>
        </div>
      ) : (
        <dl className="figures">
          <div>
            <dt>Total, in credits</dt>
            <dd className="number" data-testid="earnings-total">
              {formatCredits(earnings.total)}
            </dd>
          </div>
          <div>
            <dt>Not yet paid out</dt>
            <dd className="number" data-testid="earnings-pending">
              {formatCredits(earnings.pending)}
            </dd>
          </div>
        </dl>
      )}
    </section>
  );
}
