// Around the lines: completing names, what is read aloud, pins, comings and goings.
import t from 'tap';
import type { ChatLine } from '../src/chat/chat-log.js';
import { readMove, readPin } from '../src/chat/chat-wire.js';
import { completeMention, mentionAt, suggestNames } from '../src/chat/mention-search.js';
import { speakNews } from '../src/chat/spoken-lines.js';

await t.test('a name is completed where it is typed, not inside an address', (t) => {
  t.same(mentionAt('hi @an', 6), { at: 3, typed: 'an' });
  t.same(mentionAt('@', 1), { at: 0, typed: '' });
  t.equal(mentionAt('mail me@an', 10), undefined);
  t.equal(mentionAt('hi @an now', 10), undefined);
  t.same(suggestNames(['ben', 'Anna', 'Andy', 'Anna', 'an'], 'an'), ['Anna', 'Andy']);
  const done = completeMention('hi @an there', { at: 3, typed: 'an' }, 'Anna');
  t.same(done, { text: 'hi @Anna there', caret: 9 });
  t.end();
});

function line(key: string, text: string, more: Partial<ChatLine> = {}): ChatLine {
  const from = { id: '7', name: 'anna', role: 'viewer' };
  return { key, kind: 'message', from, text, atMs: 100, status: 'sent', ...more };
}
const me = { id: '1', name: 'me' };

await t.test(
  'news is read line by line, a burst as its number, what is meant for me and its end',
  (t) => {
    const since = { lastKey: 'a', sinceMs: 0, me };
    t.same(speakNews([line('a', 'old'), line('b', 'hi')], since), ['anna: hi']);
    const tip = line('t', 'bravo', { kind: 'tip', amountMilli: '5000' });
    t.same(speakNews([line('a', ''), tip], since), ['anna tipped 5 credits: bravo']);
    const burst = Array.from({ length: 9 }, (_, at) => line(`x${String(at)}`, `m${String(at)}`));
    burst[4] = line('x4', 'hey @me');
    const words = speakNews([line('a', ''), ...burst], since);
    t.same(words, ['9 new messages', 'anna: hey @me', 'anna: m8']);
    t.end();
  },
);

await t.test('own, removed, old and unsent lines are not read', (t) => {
  const own = line('o', 'mine', { from: { id: '1', name: 'me', role: 'viewer' } });
  const gone = line('g', '', { isDeleted: true });
  const held = line('h', 'wait', { status: 'held' });
  const old = line('p', 'long ago', { atMs: 1 });
  const lines = [own, gone, held, old];
  t.same(speakNews(lines, { lastKey: undefined, sinceMs: 50, me }), []);
  t.end();
});

await t.test('pins and moves are read with care', (t) => {
  const from = { id: '7', name: 'anna', role: 'viewer' };
  t.same(readPin({ offset: 3, from, text: 'rules', until: 9 }), {
    ...{ from: 'anna', text: 'rules', untilMs: 9 },
  });
  t.equal(readPin({}), undefined, 'unpinned');
  t.same(readMove({ user: { id: '7', name: 'anna' }, is: 'in' }), {
    ...{ is: 'in', id: '7', name: 'anna' },
  });
  for (const body of [null, {}, { user: { id: '7' }, is: 'in' }, { user: from, is: 'up' }]) {
    t.equal(readMove(body), undefined);
  }
  t.end();
});
