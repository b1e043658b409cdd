// Importers: pretalx, frab and our own format, with the clock changes, nights and gaps of real
// schedules, and what is refused.
import t from 'tap';
import { importDocument, importText } from '../programme/import-programme.js';
import { createTimeline, nowNext } from '../programme/timeline.js';
import { instantOf, isoIn, rfc822In } from '../programme/zone.js';
import { BERLIN, copyOf, frab, plain, pretalx } from './programme-samples.js';

function imported(document: unknown) {
  const result = importDocument(document, BERLIN);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}
function problems(document: unknown): string[] {
  // Through JSON, as documents come: what is undefined is not there.
  const result = importText(JSON.stringify(document), BERLIN);
  return result.ok ? [] : result.problems.map((one) => `${one.field} ${one.code}`);
}
/** `kind title` of what is on, and of what is next. */
function at(document: unknown, room: string, iso: string): [string, string | undefined] {
  const slots = createTimeline(imported(document).programme, room);
  const { now, next } = nowNext(slots, Date.parse(iso));
  return [`${now.kind} ${now.title}`, next?.title];
}

t.test('wall times follow the zone through both changes of the clock', (t) => {
  const berlin = (wall: string) => new Date(instantOf(wall, 'Europe/Berlin')).toISOString();
  t.equal(berlin('2026-03-29T01:59'), '2026-03-29T00:59:00.000Z');
  t.equal(berlin('2026-03-29T02:30'), '2026-03-29T01:30:00.000Z', 'skipped: as if not yet changed');
  t.equal(berlin('2026-03-29T03:00'), '2026-03-29T01:00:00.000Z');
  t.equal(berlin('2026-10-25T02:30'), '2026-10-25T00:30:00.000Z', 'twice: the first');
  t.equal(berlin('2026-10-25T03:00'), '2026-10-25T02:00:00.000Z');
  t.ok(Number.isNaN(instantOf('2026-13-45T99:99', 'Europe/Berlin')));
  const summer = Date.parse('2026-03-29T01:00:00Z');
  t.equal(isoIn(summer, 'Europe/Berlin'), '2026-03-29T03:00:00+02:00');
  t.equal(isoIn(summer, 'Asia/Kolkata'), '2026-03-29T06:30:00+05:30');
  t.equal(isoIn(summer, 'America/St_Johns'), '2026-03-28T22:30:00-02:30');
  t.equal(rfc822In(summer, 'Europe/Berlin'), 'Sun, 29 Mar 2026 03:00:00 +0200');
  t.end();
});

t.test('a pretalx export becomes rooms, days and talks', (t) => {
  const { programme, warnings } = imported(pretalx);
  t.match(programme, { title: 'Demo & Friends 2026', timeZone: 'Europe/Berlin', version: '0.7' });
  t.same(
    programme.rooms.map((one) => [one.key, one.name]),
    [
      ['grosser-saal', 'Großer Saal'],
      ['workshop', 'Workshop'],
    ],
  );
  t.same(
    programme.days.map((one) => one.date),
    ['2026-03-28', '2026-03-29'],
  );
  t.equal(programme.talks.length, 5);
  t.match(programme.talks[0], {
    guid: 'a0000000-0000-5000-8000-000000000001',
    room: 'grosser-saal',
    startMs: Date.parse('2026-03-28T09:00:00Z'),
    endMs: Date.parse('2026-03-28T09:45:00Z'),
    speakers: ['Ada Example'],
    track: 'Infrastructure',
    url: 'https://pretalx.example/demo/talk/ABCDEF/',
  });
  const night = programme.talks.find((one) => one.title === 'Night of clocks');
  t.equal((night?.endMs ?? 0) - (night?.startMs ?? 0), 3 * 3_600_000, 'three hours of real time');
  t.same(warnings, []);
  t.end();
});

t.test('at every moment something is on', (t) => {
  const hall = (iso: string) => at(pretalx, 'grosser-saal', iso);
  t.same(hall('2026-01-01T00:00:00Z'), ['before The programme has not begun', 'Opening']);
  t.same(hall('2026-03-28T04:30:00+01:00'), ['not-started Not yet started today', 'Opening']);
  t.same(hall('2026-03-28T10:00:00+01:00'), ['talk Opening', '15 minute break'], 'to the ms');
  t.same(hall('2026-03-28T09:59:59.999+01:00')[0], 'not-started Not yet started today');
  t.equal(hall('2026-03-28T10:50:00+01:00')[0], 'break 15 minute break');
  t.same(hall('2026-03-29T01:30:00+01:00'), ['talk Night of clocks', 'Finished for the day']);
  t.same(hall('2026-03-29T03:31:00+02:00'), ['finished Finished for the day', 'Closing']);
  t.same(hall('2026-03-29T10:00:00+02:00'), ['talk Closing', 'Finished for the day']);
  t.same(hall('2026-03-29T22:00:00+02:00'), ['finished Finished for the day', undefined]);
  t.same(hall('2027-01-01T00:00:00Z'), ['after The programme is over', undefined]);
  const side = (iso: string) => at(pretalx, 'workshop', iso);
  t.same(side('2026-03-28T15:00:00Z'), ['nothing Nothing in this room today', 'Soldering']);
  t.end();
});

t.test('slots of a room leave no gap and keep their guids when others change', (t) => {
  for (const [document, rooms] of [
    [pretalx, ['grosser-saal', 'workshop']],
    [frab, ['saal']],
    [plain, ['hall', 'hall-2']],
  ] as const) {
    for (const room of rooms) {
      const slots = createTimeline(imported(document).programme, room);
      t.equal(slots[0]?.startMs, null);
      t.equal(slots.at(-1)?.endMs, null);
      slots.slice(1).forEach((one, before) => t.equal(one.startMs, slots[before]?.endMs));
    }
  }
  const changed = copyOf(pretalx);
  changed.schedule.conference.days[0]?.rooms['Großer Saal']?.shift();
  const guids = (document: unknown) =>
    createTimeline(imported(document).programme, 'grosser-saal').map((one) => one.guid);
  const [before, after] = [guids(pretalx), guids(changed)];
  t.same(after.slice(-6), before.slice(-6), 'what did not change is called the same');
  t.equal(new Set(before).size, before.length, 'each once');
  t.end();
});

t.test('an old frab export works with the zone of the settings', (t) => {
  const { programme, warnings } = imported(frab);
  t.match(programme, { title: 'Old Conference', timeZone: 'Europe/Berlin' });
  t.same(
    programme.talks.map((one) => [one.title, isoIn(one.startMs, 'Europe/Berlin')]),
    [
      ['Late show', '2026-10-24T22:00:00+02:00'],
      ['Overlap', '2026-10-24T23:30:00+02:00'],
      ['After midnight', '2026-10-25T01:15:00+02:00'],
    ],
    'a bare 01:15 is of the next date',
  );
  t.equal(programme.talks[0]?.guid, '7', 'the id where there is no guid');
  t.equal(new Set(programme.talks.map((one) => one.guid)).size, 3, 'a repeated guid is told apart');
  t.match(programme.rooms[1]?.key, /^2$/, 'what is Latin of the name');
  t.match(warnings, [{ code: 'OVERLAP' }]);
  t.same(at(frab, 'saal', '2026-10-24T23:45:00+02:00'), ['talk Overlap', '45 minute break']);
  t.equal(at(frab, 'saal', '2026-10-25T00:45:00+02:00')[0], 'break 45 minute break');
  t.equal(at(frab, '2', '2026-10-24T23:45:00+02:00')[0], 'nothing Nothing in this room today');
  t.end();
});

t.test('a talk that is interrupted by a shorter one goes on after it', (t) => {
  const document = copyOf(frab);
  const events = document.schedule.conference.days[0]?.rooms.Saal ?? [];
  Object.assign(events[1] ?? {}, { start: '22:30', duration: '00:30' });
  t.same(at(document, 'saal', '2026-10-24T22:40:00+02:00'), ['talk Overlap', 'Late show']);
  t.equal(at(document, 'saal', '2026-10-24T23:10:00+02:00')[0], 'talk Late show');
  t.end();
});

t.test('our own format has rooms in zones of their own and days between', (t) => {
  const { programme } = imported(plain);
  t.same(
    programme.rooms.map((one) => [one.key, one.timeZone]),
    [
      ['hall', 'America/New_York'],
      ['hall-2', 'Asia/Kolkata'],
    ],
  );
  t.equal(programme.days.length, 3);
  const far = programme.talks.find((one) => one.title === 'Far away');
  t.equal(far?.startMs, Date.parse('2026-05-01T14:30:00Z'));
  t.equal(at(plain, 'hall', '2026-05-01T13:31:00Z')[0], 'break Changing over');
  t.equal(at(plain, 'hall', '2026-05-02T18:00:00Z')[0], 'nothing Nothing in this room today');
  t.end();
});

t.test('what cannot be read is refused with its place', (t) => {
  t.same(problems([]), [' UNKNOWN_FORMAT']);
  t.same(problems({}), [' UNKNOWN_FORMAT']);
  t.same(problems({ ...plain, format: 'other' }), ['format INVALID']);
  t.same(problems({ ...plain, surprise: 1 }), ['surprise UNKNOWN']);
  t.same(problems({ ...plain, timeZone: 'Mars/Olympus' }), ['timeZone INVALID']);
  t.same(problems({ ...plain, talks: [] }), ['talks TOO_MANY']);
  const talk = (change: object) =>
    problems({ ...plain, talks: [{ ...plain.talks[0], ...change }] });
  t.same(talk({ room: 'z' }), ['talks.0.room INVALID']);
  t.same(talk({ title: '\u0000\u202e ' }), ['talks.0.title MISSING']);
  t.same(talk({ start: '2026-02-31T25:00' }), ['talks.0.start INVALID']);
  t.same(talk({ minutes: 0 }), ['talks.0.minutes INVALID']);
  t.same(talk({ title: undefined }), ['talks.0.title MISSING']);
  const crowd = Array.from({ length: 5_001 }, () => plain.talks[0]);
  t.same(problems({ ...plain, talks: crowd }), ['talks INVALID']);

  const spoilt = copyOf(pretalx);
  const [event] = spoilt.schedule.conference.days[0]?.rooms['Großer Saal'] ?? [];
  const place = 'schedule.conference.days.0.rooms.Großer Saal.0';
  Object.assign(event ?? {}, { duration: undefined });
  t.same(problems(spoilt), [`${place}.duration MISSING`]);
  Object.assign(event ?? {}, { duration: '48:00' });
  t.same(problems(spoilt), [`${place}.end INVALID`]);
  Object.assign(event ?? {}, { duration: '00:30', date: 'tomorrowT' });
  t.same(problems(spoilt), [`${place}.start INVALID`]);
  t.match(importText('{"schedule": ', BERLIN), { ok: false, problems: [{ code: 'BAD_JSON' }] });
  t.match(importText(`\ufeff${JSON.stringify(plain)}`, BERLIN), { ok: true });
  t.end();
});

t.test('foreign words stay words, foreign addresses stay on the web', (t) => {
  const hostile = {
    ...plain,
    talks: [
      {
        ...plain.talks[0],
        title: 'a\u202eb\u0000c\nd \ud800e',
        url: 'javascript:alert(1)',
        speakers: ['\u0007', ' Bob '],
      },
      { ...plain.talks[1], url: 'https://user:secret@evil.example/' },
      { ...plain.talks[2], id: 'white space', title: 'x'.repeat(300) },
    ],
  };
  const [one, two, three] = imported(hostile).programme.talks;
  t.match(one, { title: 'ab c d e', url: '', speakers: ['Bob'] });
  t.equal(two?.url, '');
  t.equal(three?.title.length, 200);
  t.match(three?.guid, /^[0-9a-f]{32}$/);
  const proto = importText(JSON.stringify(pretalx).replaceAll('Workshop', '__proto__'), BERLIN);
  t.equal(proto.ok, true);
  t.same(Object.keys({}), [], 'nothing was put on every object');
  t.end();
});
