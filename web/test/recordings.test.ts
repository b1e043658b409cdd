// Recordings over HTTP: hidden until their model shows them, played by an address that opens one
// alone, gone when the model removes them.
import t from 'tap';
import { verifyHlsPath } from '../../cluster/index.js';
import { TEST_SECRETS } from '../../cluster/testing/index.js';
import { startMoney } from './money-stage.js';
import { staff, startSite } from './site-fixture.js';

const money = await startMoney(t);
const fixture = await startSite(t, { money });
const { admin, model, room } = await staff(fixture);
const viewer = fixture.browser();
await viewer.signUp('anna');
const anon = fixture.browser();

interface List {
  isPublic?: boolean;
  recordings: { id: string; title: string; durationMs: number; isShown: boolean }[];
}
type Visitor = typeof viewer;
const startedAtMs = Date.parse('2026-05-01T20:00:05Z');
const base = { streamId: room.streamId, urlBase: 'http://:8082', bytes: 5_000, startedAtMs };
fixture.recordings.push(
  { ...base, id: 'one', durationMs: 61_000.4, isReady: true },
  { ...base, id: 'two', durationMs: 0, isReady: false },
  { ...base, id: 'foreign', streamId: 'another', durationMs: 1, isReady: true },
);
await fixture.database.rows(
  `INSERT INTO broadcast (room_id, title, show_type, started_at, ended_at, viewers_max)
   VALUES (?, 'May dance', 'free', '2026-05-01 20:00:00', '2026-05-01 22:00:00', 3)`,
  [room.id],
);
const idsFor = async (who: Visitor): Promise<string[]> =>
  (await who.get('/api/v1/rooms/mira/recordings')).json<List>().recordings.map(({ id }) => id);
const play = (who: Visitor, id: string) => who.post(`/api/v1/rooms/mira/recordings/${id}/play`);
const show = (id: string, isShown: boolean, who = model) =>
  who.patch(`/api/v1/model/recordings/${id}`, { isShown });
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code: string }).code;

t.test('a recording is seen by its model and admins until the model shows it', async (t) => {
  t.same(await idsFor(model), ['one', 'two']);
  t.same(await idsFor(admin), ['one', 'two']);
  t.same([await idsFor(viewer), await idsFor(anon)], [[], []]);
  t.equal(codeOf(await play(viewer, 'one')), 'RECORDING_NOT_FOUND');
  t.equal((await play(model, 'one')).statusCode, 200);
  t.match((await model.get('/api/v1/model/recordings')).json<List>(), {
    isPublic: true,
    recordings: [{ id: 'one', title: 'May dance', durationMs: 61_000, isShown: false }, {}],
  });
});

t.test(
  'a shown one plays for those who may enter, and its address opens nothing else',
  async (t) => {
    t.equal((await show('one', true)).statusCode, 204);
    t.equal((await show('one', true)).statusCode, 204, 'twice is once');
    t.equal((await show('two', true)).statusCode, 204);
    t.same(await idsFor(anon), ['one'], 'what is still being recorded is not there');
    const { url } = (await play(anon, 'one')).json<{ url: string }>();
    const [, prefix = '', streamId = '', file] =
      /^http:\/\/site\.test:8082\/h\/([^/]+)\/([^/]+)\/recordings\/(.*)$/.exec(url) ?? [];
    t.equal(file, 'one.mp4');
    const verdict = verifyHlsPath({ prefix, streamId }, TEST_SECRETS.token, Date.now() / 1_000);
    t.match(verdict, { ok: true, grant: { sid: 'rec:one', streamId: room.streamId } });
    t.equal(codeOf(await play(anon, 'two')), 'RECORDING_NOT_FOUND');
    t.equal(codeOf(await play(anon, 'foreign')), 'RECORDING_NOT_FOUND');

    await model.patch('/api/v1/model/room', { allowAnons: false });
    t.same([await idsFor(anon), await idsFor(viewer)], [[], ['one']], 'only members may enter');
    await model.patch('/api/v1/model/room', { allowAnons: true });
  },
);

t.test('past shows that are not public are gone for others, videos and list', async (t) => {
  const pastShows = async () =>
    (await anon.get('/api/v1/rooms/mira/profile')).json<{ pastShows: object[] }>().pastShows.length;
  t.equal(await pastShows(), 1);
  t.equal((await model.patch('/api/v1/model/recordings', { isPublic: false })).statusCode, 204);
  t.same([await idsFor(viewer), await pastShows()], [[], 0]);
  t.same(await idsFor(model), ['one', 'two']);
  await model.patch('/api/v1/model/recordings', { isPublic: true });
  await show('one', false);
  t.same(await idsFor(viewer), []);
});

t.test('only the model hides and removes, and only the own ones', async (t) => {
  const remove = (who: Visitor, id: string) => who.delete(`/api/v1/model/recordings/${id}`);
  t.equal(codeOf(await remove(viewer, 'one')), 'NOT_A_MODEL');
  t.equal(codeOf(await show('one', true, viewer)), 'NOT_A_MODEL');
  t.equal(codeOf(await remove(anon, 'one')), 'UNAUTHENTICATED');
  t.equal(codeOf(await remove(model, 'foreign')), 'RECORDING_NOT_FOUND');
  await show('one', true);
  t.equal((await remove(model, 'one')).statusCode, 204);
  t.same(await idsFor(model), ['two']);
  t.equal(codeOf(await remove(model, 'one')), 'RECORDING_NOT_FOUND');
});
