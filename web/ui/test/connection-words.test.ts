// The connection's state and the gateway's refusals in words for members.
import t from 'tap';
import { closeCodes, errorCodes } from '../../../gateway/protocol/index.js';
import { explainRefusal } from '../src/chat/refusals.js';
import { connectionNotice, connectionWords } from '../src/realtime/connection-words.js';

await t.test('a connection that was closed for good says why, and who may try again', (t) => {
  t.equal(connectionWords('closed'), 'Disconnected');
  const tabs = connectionNotice('closed', 'too_many_connections');
  t.match(tabs, { text: /too many tabs/, mayRetry: true });
  t.match(connectionNotice('closed', 'banned'), { mayRetry: false });
  t.equal(connectionNotice('closed', 'closed by the page'), undefined);
  t.equal(connectionNotice('reconnecting', 'too_many_connections'), undefined);
  t.ok('too_many_connections' in closeCodes, 'a reason that the gateway gives');
  t.end();
});

await t.test('every refusal that a room gives a writer has words of its own', (t) => {
  const unknown = explainRefusal({ code: 'nonsense' });
  const codes = Object.keys(errorCodes);
  const first = codes.indexOf('text_too_long');
  const last = codes.indexOf('review_full');
  t.ok(first >= 0 && last > first);
  for (const code of codes.slice(first, last + 1)) {
    t.not(explainRefusal({ code }), unknown, code);
  }
  t.equal(explainRefusal({ code: 'room_private' }), 'The room is private at the moment.');
  t.end();
});
