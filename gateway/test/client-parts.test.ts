// The pure parts of the client library: pauses, positions, the outbox.
import fc from 'fast-check';
import t from 'tap';
import { ChannelReader, reconnectPause, RealtimeError } from '../client/index.js';
import { Outbox } from '../client/outbox.js';
import { adviseOnClose, closeCodes } from '../protocol/index.js';

t.test('the range of a close code decides whether and when to reconnect', (t) => {
  for (const [name, { code }] of Object.entries(closeCodes)) {
    const expected = code < 4100 ? 'stop' : code < 4200 ? 'back-off' : 'at-once';
    t.equal(adviseOnClose(code), expected, name);
  }
  for (const code of [1000, 1001, 1006, 1011, 3000, 4300]) t.equal(adviseOnClose(code), 'back-off');
  t.end();
});

t.test('pauses are jittered, grow, never fall below 200 ms and end at the cap', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const ms = reconnectPause({ attempt, advice: 'back-off', random }) ?? -1;
        if (attempt === 1) return ms >= 0 && ms < 1_000;
        return ms >= 200 && ms <= Math.min(10_000, 1_000 * 2 ** (attempt - 1));
      },
    ),
  );
  t.equal(reconnectPause({ attempt: 1, advice: 'stop', random: 0.5 }), undefined);
  t.equal(reconnectPause({ attempt: 1, advice: 'at-once', random: 0.999 }), 249);
  t.equal(reconnectPause({ attempt: 9, advice: 'back-off', random: 0.999 }), 9_990);
  t.end();
});

t.test('a reader shows each offset once and in order, whatever is repeated', (t) => {
  const reader = new ChannelReader('room:1');
  reader.restart({ epoch: 'e', from: 5, top: 7 });
  const shown: number[] = [];
  const push = (offset: number, mid = `m${offset}`): string => {
    const verdict = reader.accept([1, offset, 1, 'm', {}, mid]);
    if (verdict.do === 'show') shown.push(verdict.message.offset);
    return verdict.do;
  };
  t.equal(push(6), 'show');
  t.equal(push(6), 'skip');
  t.equal(push(4), 'skip');
  t.equal(push(8), 'repair', 'a hole is not jumped over');
  t.equal(push(7), 'show');
  t.equal(push(8, 'm7'), 'skip', 'a mid is shown once');
  t.equal(push(9), 'show');
  t.same(shown, [6, 7, 9]);
  t.same(reader.position(), ['e', 9]);
  reader.stall();
  t.equal(push(10), 'skip', 'nothing is shown until the repair is answered');
  t.same(reader.restart({ epoch: 'e', from: 9, top: 11 }), { isLossy: false });
  t.equal(push(10), 'show');
  t.same(reader.restart({ epoch: 'e', from: 50, top: 60 }), { isLossy: true });
  t.same(reader.restart({ epoch: 'f', from: 0, top: 0 }), { isLossy: true });
  t.equal(reader.isBehind('f', 1), true);
  t.equal(reader.isBehind('f', 0), false);
  t.equal(reader.isBehind('e', 0), true, 'the reset was lost on the way');
  t.end();
});

t.test('a reader steps back to a server that has less than was shown, and repeats nothing', (t) => {
  const reader = new ChannelReader('room:1');
  const push = (offset: number, mid = `m${offset}`): string =>
    reader.accept([1, offset, 1, 'm', {}, mid]).do;
  reader.restart({ epoch: 'e', from: 5, top: 5, recovered: false });
  for (let offset = 6; offset <= 9; offset += 1) t.equal(push(offset), 'show');
  t.same(reader.restart({ epoch: 'e', from: 8, top: 8, recovered: true }), { isLossy: false });
  t.same(reader.position(), ['e', 9], 'a server that knows the position is only late');
  t.same(reader.restart({ epoch: 'e', from: 2, top: 7, recovered: false }), { isLossy: false });
  const backlog = [3, 4, 5, 6, 7].map((offset) => push(offset));
  t.same(backlog, ['skip', 'skip', 'skip', 'skip', 'skip'], 'what was shown, and what was before');
  t.equal(push(8, 'other'), 'show', 'another message in the place of one that was lost');
  t.equal(push(9, 'm9'), 'skip', 'the same one');
  t.end();
});

t.test('what was said again in a new epoch is known for as long as what came with it', (t) => {
  const reader = new ChannelReader('room:1');
  const push = (offset: number, mid = `m${offset}`): string =>
    reader.accept([1, offset, 1, 'm', {}, mid]).do;
  reader.restart({ epoch: 'e', from: 0, top: 0, recovered: false });
  t.equal(push(1, 'twice'), 'show');
  for (let offset = 2; offset <= 200; offset += 1) push(offset);
  reader.restart({ epoch: 'f', from: 0, top: 0, recovered: false });
  t.equal(push(1, 'first'), 'show');
  t.equal(push(2, 'twice'), 'skip', 'its sender had no answer, and said it again');
  for (let offset = 3; offset <= 200; offset += 1) push(offset, `f${offset}`);
  reader.restart({ epoch: 'f', from: 0, top: 2, recovered: false });
  t.same([push(1, 'first'), push(2, 'twice')], ['skip', 'skip'], 'a server that is late');
  t.end();
});

t.test('what was hidden since it was shown is not shown again by a reader that steps back', (t) => {
  const reader = new ChannelReader('room:1');
  const hidden = (offset: number): string => reader.accept([1, offset, 1, 'd', {}, '']).do;
  reader.restart({ epoch: 'e', from: 0, top: 0, recovered: false });
  for (let offset = 1; offset <= 3; offset += 1) {
    reader.accept([1, offset, 1, 'm', {}, `m${offset}`]);
  }
  reader.restart({ epoch: 'e', from: 0, top: 2, recovered: false });
  t.same([1, 2, 3, 4].map(hidden), ['skip', 'skip', 'skip', 'show']);
  reader.restart({ epoch: 'f', from: 0, top: 0, recovered: false });
  t.equal(hidden(1), 'show', 'in a new epoch that offset is another message');
  reader.restart({ epoch: 'f', from: 0, top: 0, recovered: false });
  const push = (ts: number): string => reader.accept([1, 1, ts, 'm', {}, `of ${ts}`]).do;
  t.equal(push(1), 'skip', 'a late server still has it as it was before it was hidden');
  reader.restart({ epoch: 'f', from: 0, top: 0, recovered: false });
  t.equal(push(2), 'show', 'a later one has taken the place of one that was lost');
  t.end();
});

t.test('a reader that steps back behind its beginning shows nothing from before that', (t) => {
  const reader = new ChannelReader('room:1');
  const push = (offset: number, ts: number, mid = `m${offset}`): string =>
    reader.accept([1, offset, ts, 'm', {}, mid]).do;
  const offsets = [7, 8, 9, 10, 11, 12];
  reader.restart({ epoch: 'e', from: 9, top: 11, recovered: false });
  t.same([push(10, 100), push(11, 100), push(12, 105)], ['show', 'show', 'show']);
  reader.restart({ epoch: 'e', from: 4, top: 6, recovered: false });
  const late = offsets.map((offset) => push(offset, offset < 12 ? 100 : 105));
  t.same(late, Array(6).fill('skip'), 'a server that is late: older messages, then the same ones');
  t.equal(push(13, 106), 'show');
  reader.restart({ epoch: 'e', from: 4, top: 6, recovered: false });
  const other = offsets.map((offset) => push(offset, 200 + offset, `other${offset}`));
  t.same(other, Array(6).fill('show'), 'a server that has lost them: others in their places');
  t.end();
});

t.test('a latest value never goes back, whatever the order of arrival', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1 }), (versions) => {
      const reader = new ChannelReader('user:1');
      let shown = -1;
      for (const version of versions) {
        const verdict = reader.accept([1, 0, 1, 'b', { version }, version, 'balance']);
        if (verdict.do !== 'show') continue;
        if (version <= shown) return false;
        shown = version;
      }
      return shown === Math.max(...versions);
    }),
  );
  t.end();
});

t.test(
  'the outbox keeps order, repeats what is in doubt and gives up what is refused',
  async (t) => {
    const outbox = new Outbox({ queueMax: 3, deadlineMs: 1_000 });
    const draft = (mid: string) => ({ channel: 'room:1', text: mid, mid });
    const first = outbox.add(draft('a'), 0);
    const second = outbox.add(draft('b'), 0);
    const third = outbox.add(draft('c'), 0);
    await t.rejects(outbox.add(draft('d'), 0), { code: 'queue_full' });
    const mids = (now: number): string[] => outbox.take(now).map((one) => one.mid);
    t.same(mids(0), ['a', 'b', 'c']);
    t.same(mids(0), [], 'nothing is sent twice on one link');
    outbox.rewind();
    t.same(mids(0), ['a', 'b', 'c'], 'a new link gets everything again, in order');
    t.equal(outbox.fail('a', new RealtimeError('temporary', '', 200), 0), 200);
    t.equal(outbox.fail('b', new RealtimeError('closed', ''), 0), 0);
    t.same(mids(100), [], 'a later message does not overtake one that waits');
    t.same(mids(200), ['a', 'b']);
    outbox.accept('a', { epoch: 'e', offset: 1, ts: 1 });
    t.same(await first, { epoch: 'e', offset: 1, ts: 1 });
    t.equal(outbox.fail('b', new RealtimeError('banned', ''), 300), undefined);
    await t.rejects(second, { code: 'banned' });
    outbox.expire(1_000);
    await t.rejects(third, { code: 'timeout' });
    t.equal(outbox.size, 0);
  },
);
