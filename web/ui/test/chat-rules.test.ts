// Rules of a room's chat as pushed, in words, and the wait that follows from them.
import t from 'tap';
import {
  describeRules,
  nextTurnMs,
  openChat,
  readRules,
  refusedUntilMs,
} from '../src/chat/chat-rules.js';

const modes = { slow: 30, unique: 0, lock: false, links: true, emote: false, only: ['fans'] };

await t.test('pushed modes become rules in words', (t) => {
  const rules = readRules({ modes, version: 3 });
  t.match(rules, { slowSec: 30, noLinks: true, only: ['fans'] });
  const words = 'Slow mode: one message every 30 s · No links · Only for the fan club.';
  t.equal(describeRules(rules ?? openChat), words);
  t.equal(describeRules({ ...openChat, slowSec: 120 }), 'Slow mode: one message every 2 min.');
  t.equal(describeRules({ ...openChat, isLocked: true, slowSec: 5 }), 'Chat is locked for now.');
  t.equal(describeRules(openChat), '');
  t.end();
});

await t.test('other settings and malformed ones are no rules', (t) => {
  for (const body of [null, {}, { live: true }, { modes: 'slow' }, { modes: null }]) {
    t.equal(readRules(body), undefined);
  }
  t.same(readRules({ modes: { slow: -1, lock: 'yes', only: [1, null] } }), openChat);
  t.end();
});

await t.test(
  'after a message the next one waits for the slow mode, except of those above it',
  (t) => {
    const rules = { ...openChat, slowSec: 10 };
    t.equal(nextTurnMs(rules, 'participant', 5000), 15_000);
    t.equal(nextTurnMs(rules, undefined, 5000), 15_000);
    for (const level of ['performer', 'moderator', 'admin'])
      t.equal(nextTurnMs(rules, level, 1), 0);
    t.equal(nextTurnMs(openChat, 'participant', 5000), 0);
    t.end();
  },
);

await t.test('a refusal that says how long to wait is waited for, any other is not', (t) => {
  t.equal(refusedUntilMs({ code: 'slow_mode', retryMs: 12_000 }, 1000), 13_000);
  t.equal(refusedUntilMs({ code: 'muted', retryMs: 60_000 }, 0), 60_000);
  t.equal(refusedUntilMs({ code: 'banned', retryMs: 5 }, 0), undefined);
  t.equal(refusedUntilMs({ code: 'slow_mode' }, 0), undefined);
  t.equal(refusedUntilMs('lost', 0), undefined);
  t.end();
});
