// Answers to a message: the offset of the message travels with the text, live and in history.
import t from 'tap';
import { startRedis, until } from '../../cluster/testing/index.js';
import { parseCommand } from '../protocol/index.js';
import { startWorker, watch, type Watched } from './worker-harness.js';

const server = await startRedis(t);
const worker = await startWorker(t, server.url);

t.test(
  'an answer names the message that it answers, for readers on the spot and later',
  async (t) => {
    const room = 'room:replies';
    const anna = watch(t, [worker.url], room, { sub: 'anna' });
    const ben = watch(t, [worker.url], room, { sub: 'ben' });
    await until(() => anna.events.length > 0 && ben.events.length > 0, { what: 'both are in' });
    const { offset } = await anna.client.publish(room, 'who plays tonight?');
    await ben.client.publish(room, 'Nova does', ben.client.newMid(), offset);
    // Who comes in is told, too, some time or other: only what was said counts.
    const said = ({ messages }: Watched) => messages.filter(({ kind }) => kind === 'm');
    await until(() => said(anna).length === 2, { what: 'the answer has come' });
    t.match(said(anna)[1]?.body, { text: 'Nova does', reply: offset });
    t.notOk('reply' in (said(anna)[0]?.body ?? {}), 'a plain message carries none');

    const late = watch(t, [worker.url], room, { sub: 'late' });
    await until(() => said(late).length === 2, { what: 'the backlog has come' });
    t.equal(said(late)[1]?.body['reply'], offset, 'in the backlog');
    const { msgs } = await late.client.call({ c: 'hist', ch: room, limit: 1 });
    t.match(msgs, [[2, Number, 'm', { text: 'Nova does', reply: offset }]], 'and in the history');
  },
);

t.test('the message that is answered must be a place in the channel', (t) => {
  const pub = (reply: unknown) =>
    parseCommand({ c: 'pub', i: 1, ch: 'room:1', mid: 'm', kind: 'm', body: { text: 'x', reply } });
  t.match(pub(7), { ok: true, command: { body: { text: 'x', reply: 7 } } });
  t.equal(pub(undefined).ok, true, 'and may be left out');
  for (const wrong of [0, -1, 1.5, '7', null, {}, 2 ** 60]) {
    t.match(
      pub(wrong),
      { ok: false, error: ['bad_command', /body\.reply/] },
      JSON.stringify(wrong),
    );
  }
  t.end();
});
