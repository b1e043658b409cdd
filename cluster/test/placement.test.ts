// Where users are sent: to their home worker, past crowded ones, and for a huge room to few.
import t from 'tap';
import { placeUser, rankMembers, ROOM_VIEWERS_PER_WORKER } from '../index.js';

const workers = (count: number, load: (at: number) => number = () => 0) =>
  Array.from({ length: count }, (_, at) => ({
    id: `gateway-${at + 1}`,
    load: load(at),
    draining: false,
  }));
const users = Array.from({ length: 400 }, (_, at) => `user-${at}`);

t.test('a user always gets the same home worker, and users are spread', (t) => {
  const members = workers(4);
  const homes = users.map((user) => placeUser({ user }, members)[0]?.id);
  t.same(
    homes,
    users.map((user) => placeUser({ user }, [...members].reverse())[0]?.id),
    'whatever the order of the list',
  );
  for (const { id } of members) {
    const share = homes.filter((home) => home === id).length / users.length;
    t.ok(share > 0.15 && share < 0.35, `${id} has ${share}`);
  }
  t.end();
});

t.test('a new worker takes only its own share', (t) => {
  const before = workers(4);
  const after = workers(5);
  const moved = users.filter(
    (user) => placeUser({ user }, before)[0]?.id !== placeUser({ user }, after)[0]?.id,
  );
  t.ok(moved.length / users.length < 0.3, String(moved.length));
  t.ok(moved.every((user) => placeUser({ user }, after)[0]?.id === 'gateway-5'));
  t.end();
});

t.test('draining workers are left out and crowded ones come last', (t) => {
  const members = workers(4, (at) => (at === 0 ? 4_000 : 1_000));
  t.ok(users.every((user) => placeUser({ user }, members).at(-1)?.id === 'gateway-1'));
  const [first, ...others] = workers(3);
  const draining = first === undefined ? [] : [{ ...first, draining: true }, ...others];
  t.ok(users.every((user) => !placeUser({ user }, draining).some(({ id }) => id === 'gateway-1')));
  const small = workers(2, (at) => (at === 0 ? 60 : 0));
  t.ok(
    users.some((user) => placeUser({ user }, small)[0]?.id === 'gateway-1'),
    'sixty connections are no crowd',
  );
  t.same(placeUser({ user: 'x' }, []), []);
  t.end();
});

t.test('viewers of a huge room meet on as few workers as carry it', (t) => {
  const members = workers(8);
  const homesFor = (viewers: number): Set<string | undefined> =>
    new Set(users.map((user) => placeUser({ user, room: { id: '7', viewers } }, members)[0]?.id));
  t.equal(homesFor(ROOM_VIEWERS_PER_WORKER - 1).size, 8, 'an ordinary room is everywhere');
  t.equal(homesFor(ROOM_VIEWERS_PER_WORKER).size, 2);
  t.equal(homesFor(12_000).size, 3);
  t.equal(homesFor(1_000_000).size, 8);
  const ranked = rankMembers('room:7', members).map(({ id }) => id);
  t.same(homesFor(12_000), new Set(ranked.slice(0, 3)), 'a growing room keeps its workers');
  t.equal(placeUser({ user: 'u', room: { id: '7', viewers: 12_000 } }, members).length, 8);
  t.end();
});
