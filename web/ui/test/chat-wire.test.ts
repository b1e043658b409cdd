// Foreign chat messages as lines, and the parts of their text.
import t from 'tap';
import { mentionsMe, splitText } from '../src/chat/chat-text.js';
import { readHistoryItem, readLine } from '../src/chat/chat-wire.js';
import { explainRefusal } from '../src/chat/refusals.js';

const from = { id: '7', name: 'anna', role: 'viewer' };

await t.test('messages and tips become lines', (t) => {
  const message = readLine({ kind: 'm', body: { from, text: 'hi' }, mid: 'a', offset: 4 }, 99);
  t.match(message, { kind: 'message', key: 'a', text: 'hi', offset: 4, from, atMs: 99 });
  const tip = readLine({ kind: 't', body: { from, amount: '5000' }, mid: 'b', atMs: 5 }, 99);
  t.match(tip, { kind: 'tip', amountMilli: '5000', text: '', atMs: 5 });
  t.end();
});

await t.test('what the house tells a room is a line without an author', (t) => {
  const body = { kind: 'show_over', title: 'The show has reached its time limit.' };
  const notice = readLine({ kind: 'n', body, mid: 'c', offset: 9 }, 99);
  t.match(notice, { kind: 'notice', key: 'c', text: body.title, offset: 9, from: undefined });
  t.equal(readLine({ kind: 'n', body: { kind: 'show_over' } }, 1), undefined, 'without words');
  t.end();
});

await t.test('malformed bodies and other kinds are left out', (t) => {
  const bodies: unknown[] = [
    null,
    'x',
    {},
    { text: 'no author' },
    { from: { id: '1' }, text: 'x' },
  ];
  for (const body of bodies) t.equal(readLine({ kind: 'm', body }, 1), undefined);
  t.equal(readLine({ kind: 'm', body: { from, text: '' } }, 1), undefined);
  t.equal(readLine({ kind: 't', body: { from, amount: '5 credits' } }, 1), undefined);
  t.equal(readLine({ kind: 'v', body: { from, text: 'x' } }, 1), undefined);
  t.end();
});

await t.test('mentions and emotes are found, and nothing of the text is lost', (t) => {
  const text = 'hey @Anna, :clap: a@b.c :nope: <b>x</b> @ben';
  const parts = splitText(text, 'anna');
  t.equal(parts.map((part) => part.text).join(''), text);
  t.same(
    parts.filter((part) => part.kind !== 'text').map((part) => part.text),
    ['@Anna', ':clap:', '@ben'],
  );
  t.equal(mentionsMe(text, 'anna'), true);
  t.equal(mentionsMe('hi @annabel', 'anna'), false);
  t.equal(mentionsMe('hi anna', 'anna'), false);
  t.equal(mentionsMe('@anna', undefined), false);
  t.end();
});

await t.test(
  'a refusal is explained, with the seconds to wait where the gateway gave them',
  (t) => {
    t.equal(
      explainRefusal({ code: 'slow_mode', retryMs: 2500 }),
      'Slow mode: please wait a moment. (3 s)',
    );
    t.equal(explainRefusal({ code: 'banned', retryMs: 100 }), 'You are banned from this room.');
    t.equal(explainRefusal(new Error('?')), 'The message was not sent. Try again.');
    t.equal(explainRefusal(undefined), 'The message was not sent. Try again.');
    t.end();
  },
);

await t.test('a page of history becomes lines, whatever else is in it is left out', (t) => {
  const item = [7, 1234, 'm', { from, text: 'before' }, 'mid-7'];
  t.match(readHistoryItem(item), { offset: 7, atMs: 1234, text: 'before', mid: 'mid-7' });
  for (const wrong of [null, {}, [], [7], ['7', 1, 'm', {}, ''], [7, 1, 'v', { count: 3 }, 'x']]) {
    t.equal(readHistoryItem(wrong), undefined);
  }
  t.end();
});
