// What was set last stays, the rest goes, and the map stays small.
import t from 'tap';
import { RecentMap } from '../recent-map.js';
import { seededRandom } from '../testing/index.js';

t.test('the entries set last are there, and no more than twice as many as promised', (t) => {
  const random = seededRandom(t);
  const map = new RecentMap<number>(20);
  /** Keys in the order in which they were set. */
  let entered: string[] = [];
  for (let step = 0; step < 5_000; step += 1) {
    const key = String(random.int(0, 60));
    const value = map.get(key);
    if (entered.slice(-20).includes(key) && value === undefined) t.fail(`${key} is forgotten`);
    if (value !== undefined && value !== Number(key)) t.fail(`${key} has the value of another`);
    if (value === undefined) {
      map.set(key, Number(key));
      entered = [...entered.filter((one) => one !== key), key];
    }
    if (map.size > 40) t.fail('more than twice as many');
  }
  t.ok(map.size >= 20);
  t.end();
});

t.test('a map of nothing remembers nothing', (t) => {
  const map = new RecentMap<number>(0);
  map.set('a', 1);
  t.equal(map.get('a'), undefined);
  t.end();
});
