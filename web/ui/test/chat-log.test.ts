// The lines of a room's chat: once each, in order, bounded.
import t from 'tap';
import {
  acknowledge,
  addDraft,
  addHistory,
  addLines,
  dropLine,
  emptyLog,
  forgetHistory,
  linesMax,
  markDeleted,
  markFailed,
  markSending,
  oldestOffset,
} from '../src/chat/chat-log.js';
import type { ChatLine, ChatLog } from '../src/chat/chat-log.js';

const anna = { id: '7', name: 'anna', role: 'viewer' };
const ben = { id: '8', name: 'ben', role: 'viewer' };

function line(offset: number, fields: Partial<ChatLine> = {}): ChatLine {
  const mid = fields.mid ?? `m${String(offset)}`;
  return {
    key: mid,
    kind: 'message',
    from: ben,
    text: `text ${String(offset)}`,
    mid,
    offset,
    atMs: offset,
    status: 'sent',
    ...fields,
  };
}

const texts = (log: ChatLog): string[] => log.lines.map((one) => one.text);

await t.test('history, resume and live lines in any mixture are shown once and in order', (t) => {
  let log = addLines(emptyLog, [line(3), line(4)]);
  log = addLines(log, [line(1), line(2), line(3)]);
  log = addLines(log, [line(5), line(5), line(4)]);
  t.same(texts(log), ['text 1', 'text 2', 'text 3', 'text 4', 'text 5']);
  t.equal(log.arrived, 5);
  t.end();
});

await t.test('an own line appears at once and merges with its echo, whichever comes first', (t) => {
  const draft = { mid: 'own', from: anna, text: 'hello', atMs: 1 };
  const echo = line(9, { mid: 'own', from: anna, text: 'hello' });

  let log = addDraft(addLines(emptyLog, [line(8)]), draft);
  t.equal(log.lines.at(-1)?.status, 'sending');
  const ackFirst = addLines(acknowledge(log, 'own', 9), [echo]);
  const echoFirst = acknowledge(addLines(log, [echo]), 'own', 9);
  for (const result of [ackFirst, echoFirst]) {
    t.same(texts(result), ['text 8', 'hello']);
    t.equal(result.lines[1]?.status, 'sent');
    t.equal(result.lines[1]?.offset, 9);
    t.equal(result.lines[1]?.key, 'own', 'the row is not replaced by another one');
  }
  log = addLines(log, [line(7, { mid: 'late' })]);
  t.same(texts(log), ['text 7', 'text 8', 'hello'], 'the unsent line stays last');
  t.end();
});

await t.test(
  'an acknowledged line takes its place among those that came while it was on its way',
  (t) => {
    let log = addDraft(emptyLog, { mid: 'own', from: anna, text: 'mine', atMs: 1 });
    log = addLines(log, [line(1), line(3)]);
    log = acknowledge(log, 'own', 2);
    t.same(texts(log), ['text 1', 'mine', 'text 3']);
    t.end();
  },
);

await t.test(
  'a failed line keeps its words and its reason until it is sent again or removed',
  (t) => {
    let log = addDraft(emptyLog, { mid: 'own', from: anna, text: 'mine', atMs: 1 });
    log = markFailed(log, 'own', 'too fast');
    t.match(log.lines[0], { status: 'failed', problem: 'too fast', text: 'mine' });
    const again = markSending(log, 'own');
    t.equal(again.lines[0]?.status, 'sending');
    t.equal(again.lines[0]?.problem, undefined);
    t.same(dropLine(log, 'own').lines, []);
    const sent = acknowledge(again, 'own', 4);
    t.equal(markFailed(sent, 'own', 'late answer').lines[0]?.status, 'sent', 'sent stays sent');
    t.end();
  },
);

await t.test('a tip with the same mid is shown once', (t) => {
  const tip = line(2, { kind: 'tip', mid: 'tip-key', amountMilli: '5000' });
  const log = addLines(addLines(emptyLog, [tip]), [tip, { ...tip, offset: 3 }]);
  t.equal(log.lines.length, 1);
  t.end();
});

await t.test(
  'a removed line keeps its place without its words; a cleared author loses all of them',
  (t) => {
    const log = addLines(emptyLog, [line(1), line(2, { from: anna }), line(3)]);
    const one = markDeleted(log, { offset: 3 });
    t.match(one.lines[2], { isDeleted: true, text: '' });
    t.equal(one.lines[0]?.isDeleted, undefined);
    const all = markDeleted(log, { userId: ben.id });
    t.same(
      all.lines.map((each) => each.isDeleted === true),
      [true, false, true],
    );
    t.end();
  },
);

await t.test('the list is bounded and keeps the newest lines', (t) => {
  let log = emptyLog;
  for (let from = 0; from < linesMax * 2; from += 50) {
    log = addLines(
      log,
      Array.from({ length: 50 }, (_, i) => line(from + i + 1)),
    );
  }
  t.equal(log.lines.length, linesMax);
  t.equal(log.lines.at(-1)?.offset, linesMax * 2);
  t.equal(log.arrived, linesMax * 2);
  t.end();
});

await t.test('looked-up history stays until the reader is back at the end', (t) => {
  const full = addLines(
    emptyLog,
    Array.from({ length: linesMax }, (_, i) => line(1000 + i)),
  );
  t.equal(oldestOffset(full), 1000);
  const page = Array.from({ length: 50 }, (_, i) => line(950 + i));
  const back = addHistory(full, page);
  t.equal(back.lines.length, linesMax + 50);
  t.equal(oldestOffset(back), 950);
  t.equal(back.arrived, full.arrived, 'history is no news');
  const live = addLines(back, [line(1000 + linesMax)]);
  t.equal(oldestOffset(live), 950, 'new lines do not push the past away');
  const end = forgetHistory(live);
  t.equal(end.lines.length, linesMax);
  t.equal(forgetHistory(end), end);
  t.end();
});
