// What a worker makes of packets that the server has lost since it sent them: it was restarted with
// nothing, or a replica that lacked its last messages took its place.
import t from 'tap';
import { packTail, type ReliablePacket } from '../packet.js';
import { SequenceTracker } from '../sequence-tracker.js';

interface Stage {
  readonly tracker: SequenceTracker;
  readonly shown: string[];
  readonly fills: () => number;
}

function open(epoch: string, top: number): Stage {
  const shown: string[] = [];
  let fills = 0;
  const kept = new Map<number, { ts: number; tail: Buffer }>();
  const tracker = new SequenceTracker({
    append(offset, ts, tail) {
      shown.push(`${tracker.position().epoch}${offset}`);
      kept.set(offset, { ts, tail });
    },
    isKnown(offset, ts, tail) {
      const one = kept.get(offset);
      return one && one.ts === ts && one.tail.equals(tail);
    },
    reset: (to, from) => shown.push(`reset ${to}${from}`),
    fill: () => (fills += 1),
  });
  tracker.sync();
  tracker.filled({ epoch, top, first: top + 1, entries: [], values: [] });
  shown.length = 0;
  return { tracker, shown, fills: () => fills };
}

const packet = (epoch: string, first: number, count = 1, ts = 1): ReliablePacket => ({
  ...{ cls: 'reliable', epoch, first, ts },
  tails: Array.from({ length: count }, () => packTail('m', {}, 'x')),
});

/** As history has it. */
function entryAt(ts: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeUInt8(ts, 7);
  return Buffer.concat([time, packTail('m', {}, 'x')]);
}

t.test('packets of an epoch that is over are forgotten after one look at history', (t) => {
  const { tracker, shown, fills } = open('a', 5);
  tracker.sync();
  for (let n = 0; n < 20; n += 1) tracker.offer(packet('a', 7 + n));
  tracker.filled({ epoch: 'b', top: 0, first: 1, entries: [], values: [] });
  t.equal(fills(), 3, 'they came after the question: it is put once more');
  tracker.filled({ epoch: 'b', top: 0, first: 1, entries: [], values: [] });
  t.ok(tracker.isWhole);
  tracker.offer(packet('b', 1));
  t.same(shown, ['reset b0', 'b1']);
  t.equal(fills(), 3);
  t.end();
});

t.test('packets above the top of a server that has lost them are forgotten', (t) => {
  const { tracker, shown, fills } = open('a', 5);
  t.notOk(tracker.offer(packet('a', 9)), 'a hole');
  tracker.filled({ epoch: 'a', top: 5, first: 6, entries: [], values: [] });
  t.ok(tracker.isWhole);
  tracker.offer(packet('a', 6, 4));
  t.same(shown, ['a6', 'a7', 'a8', 'a9'], 'the offsets are given again, to other messages');
  t.equal(fills(), 2);
  t.end();
});

t.test('packets that came after the question wait for the next answer', (t) => {
  const { tracker, shown } = open('a', 5);
  tracker.sync();
  tracker.offer(packet('a', 7));
  const entry = Buffer.concat([Buffer.alloc(8), packTail('m', {}, 'x')]);
  tracker.filled({ epoch: 'a', top: 5, first: 6, entries: [], values: [] });
  t.notOk(tracker.isWhole, '6 is missing');
  tracker.filled({ epoch: 'a', top: 7, first: 6, entries: [entry, entry], values: [] });
  t.ok(tracker.isWhole);
  t.same(shown, ['a6', 'a7']);
  t.end();
});

t.test('a hole that history does not have any more is passed over, also in a busy room', (t) => {
  const { tracker, shown, fills } = open('a', 5);
  tracker.offer(packet('a', 900));
  const gone = Array.from({ length: 500 }, () => undefined);
  tracker.filled({ epoch: 'a', top: 900, first: 6, entries: gone, values: [] });
  t.same(shown, ['reset a505']);
  t.equal(fills(), 3, 'the next range');
  const entry = Buffer.concat([Buffer.alloc(8), packTail('m', {}, 'x')]);
  const rest = Array.from({ length: 395 }, (_, at) => (at < 394 ? undefined : entry));
  tracker.filled({ epoch: 'a', top: 900, first: 506, entries: rest, values: [] });
  t.ok(tracker.isWhole);
  t.same(shown, ['reset a505', 'reset a899', 'a900']);
  t.end();
});

t.test('another message at a known offset is asked about, and shown in the new epoch', (t) => {
  const { tracker, shown, fills } = open('a', 5);
  tracker.offer(packet('a', 6));
  tracker.offer(packet('a', 7, 2));
  t.ok(tracker.offer(packet('a', 7, 2)), 'the same once more is nothing');
  t.notOk(tracker.offer(packet('a', 7, 1, 2)), 'another one is a fault');
  t.equal(fills(), 2);
  const entries = [undefined, entryAt(1), entryAt(2)];
  tracker.filled({ epoch: 'b', top: 7, first: 5, entries, values: [] });
  t.ok(tracker.isWhole);
  t.same(shown, ['a6', 'a7', 'a8', 'reset b6', 'b7'], 'what both epochs have is not repeated');
  t.equal(fills(), 2);
  t.end();
});

t.test('a foreign packet of which history does not know ends with one look', (t) => {
  const { tracker, shown, fills } = open('a', 5);
  tracker.offer(packet('a', 6));
  tracker.offer(packet('a', 6, 1, 2));
  tracker.filled({ epoch: 'a', top: 6, first: 7, entries: [], values: [] });
  t.ok(tracker.isWhole);
  t.same(shown, ['a6']);
  t.equal(fills(), 2);
  t.end();
});

t.test('packets do not pile up while history cannot be read', (t) => {
  const { tracker, shown } = open('a', 5);
  for (let n = 0; n < 2_000; n += 1) {
    tracker.offer(packet('a', 7 + n));
    tracker.failed();
  }
  t.equal((Reflect.get(tracker, 'held') as unknown[]).length, 512);
  const entries = (from: number, to: number): Buffer[] =>
    Array.from({ length: to - from + 1 }, () => entryAt(1));
  tracker.sync();
  tracker.filled({ epoch: 'a', top: 2_006, first: 6, entries: entries(6, 505), values: [] });
  for (let first = 506; !tracker.isWhole; first = tracker.position().top + 1) {
    const last = Math.min(2_006, first + 499);
    tracker.filled({ epoch: 'a', top: 2_006, first, entries: entries(first, last), values: [] });
  }
  t.equal(shown.at(-1), 'a2006', 'what was not kept comes from history');
  t.end();
});
