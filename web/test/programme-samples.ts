// Schedules as pretalx and frab export them, small and with what makes life hard: the night in
// which clocks change, a talk over midnight, rooms without talks, members that are missing.
import type { ImportOptions } from '../programme/import-programme.js';

export const BERLIN: ImportOptions = { timeZone: 'Europe/Berlin' };

const pretalxTalk = {
  code: 'ABCDEF',
  id: 101,
  logo: null,
  language: 'en',
  track: 'Infrastructure',
  type: 'Talk',
  subtitle: '',
  abstract: 'How **it** works & why <not>.',
  description: '',
  recording_license: '',
  do_not_record: false,
  persons: [
    {
      code: 'SPKR01',
      name: 'Ada Example',
      avatar: null,
      biography: null,
      public_name: 'Ada Example',
      guid: '8ac5f1e0-0000-5000-8000-000000000001',
      url: 'https://pretalx.example/demo/speaker/SPKR01/',
    },
  ],
  links: [],
  feedback_url: 'https://pretalx.example/demo/talk/ABCDEF/feedback/',
  origin_url: 'https://pretalx.example/demo/talk/ABCDEF/',
  attachments: [],
};

/** Saturday, and the Sunday on which Berlin goes to summer time at 02:00. */
export const pretalx = {
  $schema: 'https://c3voc.de/schedule/schema.json',
  generator: { name: 'pretalx', version: '2025.2.0' },
  schedule: {
    url: 'https://pretalx.example/demo/schedule/',
    version: '0.7',
    base_url: 'https://pretalx.example',
    conference: {
      acronym: 'demo',
      title: 'Demo & Friends 2026',
      start: '2026-03-28',
      end: '2026-03-29',
      daysCount: 2,
      timeslot_duration: '00:05',
      time_zone_name: 'Europe/Berlin',
      colors: { primary: '#3aa57c' },
      rooms: [
        { name: 'Großer Saal', slug: '1-grosser-saal', guid: null, description: null },
        { name: 'Workshop', slug: '2-workshop', guid: null, description: null, capacity: 20 },
      ],
      tracks: [{ name: 'Infrastructure', slug: '1-infrastructure', color: '#000' }],
      days: [
        {
          index: 1,
          date: '2026-03-28',
          day_start: '2026-03-28T04:00:00+01:00',
          day_end: '2026-03-29T03:59:00+02:00',
          rooms: {
            'Großer Saal': [
              {
                ...pretalxTalk,
                guid: 'a0000000-0000-5000-8000-000000000001',
                date: '2026-03-28T10:00:00+01:00',
                start: '10:00',
                duration: '00:45',
                room: 'Großer Saal',
                url: 'https://pretalx.example/demo/talk/ABCDEF/',
                title: 'Opening',
              },
              {
                ...pretalxTalk,
                guid: 'a0000000-0000-5000-8000-000000000002',
                date: '2026-03-28T11:00:00+01:00',
                start: '11:00',
                duration: '01:00',
                room: 'Großer Saal',
                url: 'https://pretalx.example/demo/talk/GHIJKL/',
                title: 'Tubes <script>alert(1)</script> & "quotes"',
              },
              {
                ...pretalxTalk,
                guid: 'a0000000-0000-5000-8000-000000000003',
                date: '2026-03-28T23:30:00+01:00',
                start: '23:30',
                duration: '03:00',
                room: 'Großer Saal',
                url: 'https://pretalx.example/demo/talk/NIGHT1/',
                title: 'Night of clocks',
                persons: [],
                track: null,
              },
            ],
          },
        },
        {
          index: 2,
          date: '2026-03-29',
          day_start: '2026-03-29T04:00:00+02:00',
          day_end: '2026-03-30T03:59:00+02:00',
          rooms: {
            'Großer Saal': [
              {
                ...pretalxTalk,
                guid: 'a0000000-0000-5000-8000-000000000004',
                date: '2026-03-29T10:00:00+02:00',
                start: '10:00',
                duration: '00:30',
                room: 'Großer Saal',
                url: 'https://pretalx.example/demo/talk/CLOSE1/',
                title: 'Closing',
              },
            ],
            Workshop: [
              {
                ...pretalxTalk,
                guid: 'a0000000-0000-5000-8000-000000000005',
                date: '2026-03-29T12:00:00+02:00',
                start: '12:00',
                duration: '02:00',
                room: 'Workshop',
                url: 'https://pretalx.example/demo/talk/SOLDER/',
                title: 'Soldering',
              },
            ],
          },
        },
      ],
    },
  },
};

/** As frab writes it, older: no zone, no full dates, guid only by id, a repeated guid. */
export const frab = {
  schedule: {
    version: 'Horizon 1.2',
    base_url: 'https://frab.example',
    conference: {
      acronym: 'oldconf',
      title: 'Old Conference',
      start: '2026-10-24',
      end: '2026-10-25',
      daysCount: 2,
      timeslot_duration: '00:15',
      days: [
        {
          index: 0,
          date: '2026-10-24',
          day_start: '2026-10-24T10:00:00+02:00',
          day_end: '2026-10-25T04:00:00+01:00',
          rooms: {
            Saal: [
              { id: 7, start: '22:00', duration: '02:30', title: 'Late show', persons: null },
              {
                ...{ id: 8, guid: 'same', start: '23:30', duration: '01:00', title: 'Overlap' },
                subtitle: null,
                abstract: null,
              },
              { id: 9, guid: 'same', start: '01:15', duration: '0:30', title: 'After midnight' },
            ],
            '2階': [],
          },
        },
        { index: 1, date: '2026-10-25', rooms: {} },
      ],
    },
  },
};

/** Our own format. */
export const plain = {
  format: 'showbill-programme',
  title: 'Small conference',
  timeZone: 'America/New_York',
  rooms: [
    { id: 'a', name: 'Hall' },
    { id: 'b', name: 'Hall', timeZone: 'Asia/Kolkata' },
  ],
  talks: [
    { id: 't1', room: 'a', start: '2026-05-01T09:00', minutes: 30, title: 'One' },
    { id: 't2', room: 'a', start: '2026-05-01T09:33', minutes: 30, title: 'Two' },
    { id: 't3', room: 'b', start: '2026-05-01T20:00', minutes: 60, title: 'Far away' },
    { id: 't4', room: 'a', start: '2026-05-03T16:00:00Z', minutes: 60, title: 'Third day' },
  ],
};

/** Deep copy that a test may spoil. */
export const copyOf = <T>(document: T): T => structuredClone(document);
