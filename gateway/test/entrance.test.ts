// What the requests of one connection wait for, in which order, and that all are answered once.
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { Channel } from '../channel.js';
import { Entrance, type Admitted, type Asked } from '../entrance.js';
import type { OpenListener } from '../hub.js';
import { createGatewayMetrics } from '../metrics.js';
import type { Asker } from '../turn-calls.js';

const metrics = createGatewayMetrics(createMetrics('gateway', { process: false }));

function channelOf(name: string): Channel {
  const nothing = (): void => undefined;
  return new Channel(name, 1, {
    ...{ fill: nothing, pending: nothing, appended: nothing },
    ...{ overflowing: nothing, restarting: nothing, restarted: nothing },
  });
}

/** Requests of a room with a ticket and of a user channel; none of the channels is open yet. */
function enter(claimed: () => Promise<boolean>) {
  const waiting = new Map<string, OpenListener>();
  const followers: (() => void)[] = [];
  const claims: string[] = [];
  const answers: (readonly Admitted[])[] = [];
  const ask = (ch: string, ticket?: string): Asked => ({
    request: { ch, ...(ticket === undefined ? {} : { ticket }) },
    verdict: {
      ...{ ok: true, isFirstUse: ticket !== undefined, isKept: false },
      membership: { level: 'view', groups: 0 },
    },
  });
  const options = {
    hub: {
      whenOpen: (name: string, listener: OpenListener) => void waiting.set(name, listener),
      onceFollowed: (_name: string, then: () => void) => followers.push(then) > 0,
      older: () => Promise.resolve(undefined),
    },
    access: {
      claim(_channel: string, ticket: string, asker: Asker<boolean>) {
        claims.push(ticket);
        claimed().then(
          (isFirst) => asker.answered(isFirst),
          (thrown: unknown) => asker.failed(thrown),
        );
      },
    },
    metrics,
    log: silentLog,
  };
  const asked = [ask('room:7', 'once'), ask('user:1')];
  new Entrance(options, asked, (admitted) => answers.push(admitted)).begin();
  const open = (name: string): void => waiting.get(name)?.opened(channelOf(name));
  const fail = (name: string): void => waiting.get(name)?.failed(new Error('too late'));
  return { followers, claims, answers, open, fail };
}

const outcomes = (admitted: readonly Admitted[]): string[] =>
  admitted.map((one) =>
    'code' in one ? one.code : `${one.channel.name} ${one.ticket.membership.level}`,
  );

t.test('a ticket is marked as used when all feeds are there, not before', async (t) => {
  const { followers, claims, answers, open } = enter(() => Promise.resolve(true));
  const [first, second] = followers;
  first?.();
  t.same(claims, []);
  second?.();
  t.same(claims, ['once']);
  open('user:1');
  open('room:7');
  t.same(answers, [], 'the ticket has not been answered for');
  await nextTurn();
  t.same(answers.map(outcomes), [['room:7 view', 'user:1 view']]);
});

t.test('a used ticket costs its own request only, and each is answered once', async (t) => {
  const { followers, answers, open, fail } = enter(() => Promise.resolve(false));
  for (const tell of followers) tell();
  await nextTurn();
  open('room:7');
  t.same(answers, []);
  open('user:1');
  fail('user:1');
  t.same(answers.map(outcomes), [['ticket_used', 'user:1 view']]);
});

t.test('Redis that is away is a temporary error of each request that needs it', async (t) => {
  const { followers, answers, open, fail } = enter(() => Promise.reject(new Error('away')));
  for (const tell of followers) tell();
  open('room:7');
  await nextTurn();
  fail('user:1');
  t.same(answers.map(outcomes), [['temporary', 'temporary']]);
});

t.test('the ticket of a room that cannot be followed in time stays good', async (t) => {
  const { followers, claims, answers, open, fail } = enter(() => Promise.resolve(true));
  open('user:1');
  fail('room:7');
  for (const tell of followers) tell();
  await nextTurn();
  t.same(claims, []);
  t.same(answers.map(outcomes), [['temporary', 'user:1 view']]);
});
