// Times of the programme on the wall of the room and on the viewer's clock, and which day is shown.

import t from 'tap';
import {
  dayOf,
  dayWords,
  isElsewhere,
  ownTimeOf,
  placeOf,
  wallSpan,
} from '../src/programme/zone-time.js';

await t.test('times are those of the room, whatever the zone of the viewer', (t) => {
  const [start, end] = ['2026-05-01T01:30:00+05:30', '2026-05-01T02:15:00+05:30'];
  t.equal(wallSpan(start, end), '01:30–02:15');
  t.equal(wallSpan(null, end), '02:15');
  t.equal(wallSpan(start, null), '01:30');
  t.equal(placeOf('Asia/Ho_Chi_Minh'), 'Ho Chi Minh');
  t.match(dayWords('2026-12-27'), /27/);
  t.end();
});

await t.test('a viewer elsewhere sees the own time, with the day when it is another', (t) => {
  const york = 'America/New_York';
  t.equal(isElsewhere('2026-05-01T10:00:00-04:00', york), false, 'daylight saving is the same');
  t.equal(isElsewhere('2026-12-01T10:00:00-04:00', york), true);
  t.equal(isElsewhere('2026-05-01T14:00:00Z', york), true);
  t.match(ownTimeOf('2026-05-01T20:00:00+02:00', york), /^0?2:00/);
  t.match(ownTimeOf('2026-05-01T01:00:00+02:00', york), /^Thu /, 'the evening before');
  t.end();
});

await t.test('the day that runs is shown, else the next, else the last', (t) => {
  const days = [
    { date: '2026-05-01', endsAt: '2026-05-02T04:00:00Z' },
    { date: '2026-05-02', endsAt: '2026-05-03T04:00:00Z' },
  ];
  const at = (iso: string) => dayOf(days, Date.parse(iso))?.date;
  t.equal(at('2026-04-01T00:00:00Z'), '2026-05-01');
  t.equal(at('2026-05-02T01:00:00Z'), '2026-05-01', 'after midnight it is still that evening');
  t.equal(at('2026-05-02T05:00:00Z'), '2026-05-02');
  t.equal(at('2027-01-01T00:00:00Z'), '2026-05-02');
  t.equal(dayOf<{ endsAt: string }>([], 0), undefined);
  t.end();
});
