// Rendezvous hashing as properties: who gets a key, how much moves, how much one member may carry.
import fc from 'fast-check';
import t from 'tap';
import {
  assignBounded,
  LOAD_EPSILON,
  rankMembers,
  rendezvous,
  type RendezvousMember,
} from '../rendezvous.js';
import { seededRandom } from '../testing/index.js';

const { seed } = seededRandom(t);
const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), {
  minLength: 2,
  maxLength: 12,
});
const keys = fc.uniqueArray(fc.string({ maxLength: 10 }), { maxLength: 120 });
const membersOf = (names: readonly string[]): RendezvousMember[] => names.map((id) => ({ id }));
const rooms = (count: number): string[] => Array.from({ length: count }, (_, i) => `room:${i}`);

function countByOwner(owners: ReadonlyMap<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const owner of owners.values()) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}

await t.test('the order of the list does not matter, and the first of the ranking wins', (t) => {
  fc.assert(
    fc.property(ids, fc.string(), (names, key) => {
      const forward = rendezvous(key, membersOf(names));
      const backward = rendezvous(key, membersOf([...names].reverse()));
      return (
        forward?.id === backward?.id && forward?.id === rankMembers(key, membersOf(names))[0]?.id
      );
    }),
    { seed },
  );
  t.notOk(rendezvous('key', membersOf([])));
  t.end();
});

await t.test('removing a member moves only its own keys', (t) => {
  fc.assert(
    fc.property(ids, fc.string(), (names, key) => {
      const [gone, ...rest] = names;
      const before = rendezvous(key, membersOf(names))?.id;
      const after = rendezvous(key, membersOf(rest))?.id;
      return before === gone || after === before;
    }),
    { seed, numRuns: 500 },
  );
  t.end();
});

await t.test('weights set the shares', (t) => {
  const members = [
    { id: 'a', weight: 1 },
    { id: 'b', weight: 2 },
    { id: 'c', weight: 5 },
  ];
  const counts = new Map<string, number>();
  for (const key of rooms(16_000)) {
    const id = rendezvous(key, members)?.id ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  // Fixed input; five standard deviations of the largest share are 310.
  for (const { id, weight } of members) {
    t.ok(Math.abs((counts.get(id) ?? 0) - weight * 2_000) < 310, `${id}: ${counts.get(id) ?? 0}`);
  }
  t.throws(() => rendezvous('x', [{ id: 'a', weight: 0 }]));
  t.end();
});

await t.test('with load a member above its bound is passed over for the next ranked', (t) => {
  const members = membersOf(['a', 'b', 'c', 'd']);
  const [first, second] = rankMembers('room:1', members);
  const load = { of: (id: string) => (id === first?.id ? 10 : 0) };

  t.equal(rendezvous('room:1', members, load)?.id, second?.id);
  t.equal(rendezvous('room:1', members, { of: () => 0 })?.id, first?.id);
  t.end();
});

await t.test('one by one, no member ever exceeds 1.25 × mean + 1', (t) => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 200 }), (names, count) => {
      const members = membersOf(names);
      const loads = new Map(names.map((id) => [id, 0]));
      for (let placed = 1; placed <= count; placed += 1) {
        const owner = rendezvous(`k${placed}`, members, { of: (id) => loads.get(id) ?? 0 });
        if (owner === undefined) return false;
        const load = (loads.get(owner.id) ?? 0) + 1;
        loads.set(owner.id, load);
        if (load > (1.25 * placed) / names.length + 1) return false;
      }
      return true;
    }),
    { seed },
  );
  t.end();
});

await t.test('an assignment places every key within the bound', (t) => {
  fc.assert(
    fc.property(ids, keys, (names, all) => {
      const { owners } = assignBounded(all, membersOf(names));
      const max = Math.max(0, ...countByOwner(owners).values());
      return owners.size === all.length && max <= (1.25 * all.length) / names.length + 1;
    }),
    { seed },
  );
  t.same(assignBounded(['a'], []).owners.size, 0);
  t.end();
});

await t.test('an assignment moves only the keys of a member that left', (t) => {
  fc.assert(
    fc.property(ids, keys, (names, all) => {
      const [gone, ...rest] = names;
      const before = assignBounded(all, membersOf(names));
      const after = assignBounded(all, membersOf(rest), { previous: before });
      const max = Math.max(0, ...countByOwner(after.owners).values());
      return (
        max <= (1.25 * all.length) / rest.length + 1 &&
        all.every((key) => {
          const owner = before.owners.get(key);
          return owner === gone || after.owners.get(key) === owner;
        })
      );
    }),
    { seed, numRuns: 300 },
  );
  t.end();
});

await t.test('a member that joins takes about its share and hardly anything else moves', (t) => {
  const all = rooms(2_000);
  for (const count of [2, 5, 12]) {
    const names = Array.from({ length: count }, (_, i) => `worker-${i}`);
    const before = assignBounded(all, membersOf(names));
    const after = assignBounded(all, membersOf([...names, 'new']), { previous: before });
    const moved = all.filter((key) => before.owners.get(key) !== after.owners.get(key));
    const share = all.length / (count + 1);

    t.ok((countByOwner(after.owners).get('new') ?? 0) > share * 0.7);
    t.ok(moved.length <= share * (1 + LOAD_EPSILON) + 1, `${count}: ${moved.length} of ${share}`);
  }
  t.end();
});

await t.test('the same members and keys leave everything where it is', (t) => {
  const names = ['a', 'b', 'c'];
  const before = assignBounded(rooms(500), membersOf(names));
  const after = assignBounded(rooms(500), membersOf(names), { previous: before });

  t.same([...after.owners], [...before.owners]);
  t.end();
});
