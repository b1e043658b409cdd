// A thousand random histories of shows, prices, streams and limits against the reference model:
// every reply, every wallet and the whole outbox must be equal.
import t from 'tap';
import { runHistories } from './child-histories.js';

t.test('the scripts do what the reference model does: shows', async (t) => {
  const { code, said } = await runHistories(t, 'shows', 1_000);
  t.equal(code, 0, said.slice(0, 4_000));
  t.match(said, /^\d+ histories × 300 commands \(shows\)/m);
});
