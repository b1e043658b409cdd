// What a settler remembers of sessions holds only where it left the cursor.
import t from 'tap';
import { SessionMemory } from '../session-memory.js';
import type { SessionRow } from '../settlement.js';

const row = (change: Partial<SessionRow> = {}): SessionRow => ({
  ...{ shard: 3, wallet: '1', room: '7', payee: '99', tariff: 'm 1', openedMs: '1' },
  ...{ settledBillMs: 0n, settledCost: 0n, endedMs: null, reason: null, unpaidCost: 0n },
  ...{ payeeMilli: 0n, studio: null, studioMilli: 0n, ...change },
});
const at = (seq: bigint, epoch = 1n) => ({ shard: 3, epoch, seq });

t.test('a session is known as long as nobody else has moved the cursor', (t) => {
  const memory = new SessionMemory();
  memory.keep(at(5n), [['S1', row({ settledCost: 10n })]]);
  t.equal(memory.of(at(5n)).get('S1')?.settledCost, 10n);
  memory.keep(at(6n), [['S2', row()]]);
  t.equal(memory.of(at(6n)).get('S1')?.settledCost, 10n, 'also after the next batch');
  t.equal(memory.of(at(7n)).size, 0, 'another settler went on');
  t.equal(memory.of(at(6n)).size, 0, 'and then it is forgotten');
  t.end();
});

t.test('a restored ledger, a rebuilt shard and a fault make it forget', (t) => {
  const memory = new SessionMemory();
  memory.keep(at(5n), [['S1', row()]]);
  t.equal(memory.of(at(4n)).size, 0, 'the ledger is older');
  memory.keep(at(5n), [['S1', row()]]);
  t.equal(memory.of(at(5n, 2n)).size, 0, 'another epoch');
  memory.keep(at(5n), [['S1', row()]]);
  memory.clear();
  t.equal(memory.of(at(5n)).size, 0);
  t.end();
});

t.test('sessions that ended and the oldest of too many are dropped', (t) => {
  const memory = new SessionMemory();
  memory.keep(at(1n), [['S1', row()]]);
  memory.keep(at(2n), [['S1', row({ endedMs: '9' })]]);
  t.equal(memory.of(at(2n)).size, 0);
  const many = Array.from({ length: 1_500 }, (_, n) => [`S${n}`, row()] as const);
  memory.keep(at(3n), many);
  t.equal(memory.of(at(3n)).size, 1_000);
  t.ok(memory.of(at(3n)).has('S1499'));
  t.notOk(memory.of(at(3n)).has('S0'));
  t.end();
});
