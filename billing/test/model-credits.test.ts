// A thousand random histories of credits against the reference model: funding, lots, tips, refunds,
// expiry. Every reply, every wallet and lot and the whole outbox must be equal.
import t from 'tap';
import { runHistories } from './child-histories.js';

t.test('the scripts do what the reference model does: credits', async (t) => {
  const { code, said } = await runHistories(t, 'credits', 1_000);
  t.equal(code, 0, said.slice(0, 4_000));
  t.match(said, /^\d+ histories × 300 commands \(credits\)/m);
});
