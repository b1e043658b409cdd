// Lines without a place: held, denied, sampled; answers; who came and went.
import t from 'tap';
import {
  addDraft,
  addLines,
  addMove,
  emptyLog,
  markFailed,
  oldestHeld,
  setAside,
} from '../src/chat/chat-log.js';
import type { ChatLine } from '../src/chat/chat-log.js';
import { readLine, readUnseen } from '../src/chat/chat-wire.js';

const anna = { id: '7', name: 'anna', role: 'viewer' };
const draft = (mid: string) => ({ mid, from: anna, text: mid, atMs: 1 });
const said = (offset: number, mid = `m${String(offset)}`): ChatLine => ({
  ...{
    key: mid,
    mid,
    kind: 'message',
    from: anna,
    text: mid,
    offset,
    atMs: offset,
    status: 'sent',
  },
});
const keys = (lines: readonly ChatLine[]): string[] => lines.map(({ key }) => key);

await t.test('a held line keeps its place in sight and takes its real one when approved', (t) => {
  let log = addDraft(emptyLog, draft('own'));
  log = setAside(log, 'own', 'held');
  log = addLines(log, [said(1), said(2)]);
  t.same(keys(log.lines), ['own', 'm1', 'm2'], 'later lines stand below it');
  t.equal(oldestHeld(log)?.mid, 'own');
  log = addLines(log, [said(3, 'own')]);
  t.same(keys(log.lines), ['m1', 'm2', 'own']);
  t.match(log.lines[2], { status: 'sent', offset: 3 });
  t.equal(oldestHeld(log), undefined);
  t.end();
});

await t.test('a denied line says why; a sampled one stays with its author', (t) => {
  let log = addDraft(addDraft(emptyLog, draft('a')), draft('b'));
  log = setAside(setAside(log, 'a', 'held'), 'b', 'sampled');
  log = setAside(log, 'a', 'denied', 'no adverts');
  t.match(log.lines, [{ status: 'denied', problem: 'no adverts' }, { status: 'sampled' }]);
  log = setAside(markFailed(log, 'b', 'lost'), 'b', 'held');
  t.notOk(log.lines[1]?.problem, 'an old reason goes with its state');
  const sent = addLines(emptyLog, [said(1)]);
  t.equal(setAside(sent, 'm1', 'held').lines[0]?.status, 'sent', 'what has a place keeps it');
  t.end();
});

await t.test(
  'what others do not see is marked for moderators, once, until it is said again',
  (t) => {
    const item = (state: string, mid: string) => [state, 'm', { from: anna, text: mid }, mid];
    const msgs = [item('sampled', 'a'), item('shadow', 'b'), item('other', 'c'), ['sampled'], 7];
    const lines = readUnseen({ kind: 'o', body: { msgs }, atMs: 5 }, 9);
    t.match(lines, [
      { mid: 'a', text: 'a', status: 'sampled', atMs: 5 },
      { mid: 'b', text: 'b', status: 'shadow' },
    ]);
    t.equal(lines.length, 2, 'what is malformed is left out');
    let log = addLines(addLines(emptyLog, lines), lines);
    t.match(log.lines, [{ status: 'sampled' }, { status: 'shadow' }]);
    t.equal(log.lines.length, 2);
    log = addLines(log, [said(1, 'a')]);
    log = addLines(log, lines);
    t.match(log.lines, [{ mid: 'b' }, { mid: 'a', offset: 1, status: 'sent' }]);
    t.same(readUnseen({ kind: 'o', body: { msgs: 'x' } }, 1), []);
    t.end();
  },
);

await t.test('an answer carries the place of what it answers, a wrong one is ignored', (t) => {
  const read = (reply: unknown) =>
    readLine({ kind: 'm', body: { from: anna, text: 'x', reply } }, 1);
  t.equal(read(4)?.reply, 4);
  for (const reply of [0, -1, 1.5, '4', null]) t.notOk('reply' in (read(reply) ?? {}));
  t.end();
});

await t.test(
  'a run of people at the door is one line, a message in between begins another',
  (t) => {
    let log = emptyLog;
    for (const [at, name] of ['ann', 'ben', 'cleo', 'dora', 'emil'].entries()) {
      log = addMove(log, { key: `j${String(at)}`, is: 'in', name, atMs: at });
    }
    t.match(log.lines, [{ key: 'j0', moves: { names: ['ann', 'ben', 'cleo'], count: 5 } }]);
    log = addMove(log, { key: 'o', is: 'out', name: 'ben', atMs: 9 });
    log = addMove(addLines(log, [said(1)]), { key: 'p', is: 'out', name: 'ann', atMs: 9 });
    t.same(keys(log.lines), ['j0', 'o', 'm1', 'p']);
    t.equal(log.arrived, 1, 'only the message counts as unread');
    t.end();
  },
);
