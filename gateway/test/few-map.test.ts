// The small map against a Map, in any sequence of changes.
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../cluster/testing/index.js';
import { FewMap } from '../few-map.js';

const { seed } = seededRandom(t);

t.test('a small map is like a Map after any changes, small or large', (t) => {
  const change = fc.record({
    key: fc.integer({ min: 0, max: 4 }),
    value: fc.option(fc.integer(), { nil: undefined }),
    isDeleting: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const few = new FewMap<number, number | undefined>();
      const map = new Map<number, number | undefined>();
      for (const { key, value, isDeleting } of changes) {
        if (isDeleting) {
          if (few.delete(key) !== map.delete(key)) return false;
        } else {
          few.set(key, value);
          map.set(key, value);
        }
        const seen = [
          few.size,
          few.has(2),
          few.get(2),
          [...few.keys()],
          [...few.values()],
          [...few],
        ];
        const wanted = [
          map.size,
          map.has(2),
          map.get(2),
          [...map.keys()],
          [...map.values()],
          [...map],
        ];
        if (JSON.stringify(seen) !== JSON.stringify(wanted)) return false;
      }
      return true;
    }),
    { seed },
  );
  t.end();
});

t.test('entries may be deleted while they are walked', (t) => {
  for (const count of [1, 2, 3]) {
    const few = new FewMap<string, number>();
    for (let n = 0; n < count; n += 1) few.set(`k${n}`, n);
    const walked: string[] = [];
    for (const key of few.keys()) {
      walked.push(key);
      few.delete(key);
    }
    t.same([walked.length, few.size], [count, 0]);
  }
  t.end();
});
