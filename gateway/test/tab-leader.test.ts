// Several tabs of one browser: what only one should do is done once, whoever leads, whoever dies.
// Node's own BroadcastChannel stands between them; a tab that dies says nothing any more.
import { BroadcastChannel } from 'node:worker_threads';
import t from 'tap';
import { until, type TestScope } from '../../cluster/testing/index.js';
import { Tabs, type TabChannel, type TabLocks, type TabsOptions } from '../client/index.js';

let groups = 0;

/** Grants a lock to one after another, as browsers do. */
class Locks implements TabLocks {
  private readonly queues = new Map<string, (() => Promise<void>)[]>();

  request(
    name: string,
    { signal }: { readonly signal: AbortSignal },
    held: () => Promise<void>,
  ): Promise<unknown> {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        await held();
        queue.shift();
        resolve(undefined);
        void queue[0]?.();
      };
      signal.addEventListener('abort', () => {
        const at = queue.indexOf(run);
        if (at > 0) queue.splice(at, 1);
        reject(new Error('aborted'));
      });
      if (queue.push(run) === 1) void run();
    });
  }
}

interface Tab {
  readonly tabs: Tabs;
  readonly did: string[];
  /** From now on nobody hears of it, and it hears nothing. */
  die(): void;
}

function open(scope: TestScope, name: string, options: Partial<TabsOptions> = {}): Tab {
  let channel: TabChannel | undefined;
  const tabs = new Tabs({
    ...{ name, locks: null, isInSight: () => false },
    openChannel: (id) => (channel = new BroadcastChannel(id) as unknown as TabChannel),
    ...options,
  });
  scope.teardown(() => tabs.close());
  const did: string[] = [];
  const die = (): void => {
    if (channel === undefined) return;
    channel.onmessage = () => undefined;
    channel.postMessage = () => undefined;
  };
  return { tabs, did, die };
}

function openMany(scope: TestScope, count: number, options: Partial<TabsOptions> = {}): Tab[] {
  groups += 1;
  return Array.from({ length: count }, () => open(scope, `tabs${groups}`, options));
}

const leaders = (all: readonly Tab[]): Tab[] => all.filter(({ tabs }) => tabs.isLeader);
const ask = (all: readonly Tab[], what: string): void => {
  for (const { tabs, did } of all) tabs.once(what, () => did.push(what));
};
const timesOf = (all: readonly Tab[], what: string): number =>
  all.flatMap(({ did }) => did).filter((one) => one === what).length;
/** Everything that was asked before `last` has been decided when that has. */
async function settle(all: readonly Tab[], last: string): Promise<void> {
  ask(all, last);
  await until(() => timesOf(all, last) > 0, { what: 'all is done' });
}

let elections = 0;
/** Two that claim at the same moment have agreed when something has been decided. */
async function oneLeads(all: readonly Tab[]): Promise<void> {
  elections += 1;
  await settle(all, `election ${elections}`);
  await until(() => leaders(all).length === 1, { what: 'one leads' });
}

for (const way of ['messages', 'locks'] as const) {
  const options: Partial<TabsOptions> = way === 'locks' ? { locks: new Locks() } : {};

  t.test(`by ${way}: five tabs do each thing once`, async (t) => {
    const all = openMany(t, 5, options);
    await oneLeads(all);
    for (let n = 0; n < 20; n += 1) ask(all, `toast ${n}`);
    await settle(all, 'last');
    for (let n = 0; n < 20; n += 1) t.equal(timesOf(all, `toast ${n}`), 1, `toast ${n}`);
    const late = open(t, `tabs${groups}`, options);
    ask([late], 'toast 3');
    ask(all, 'toast 3');
    await settle(all, 'after');
    t.equal(timesOf([...all, late], 'toast 3'), 1, 'nor does a tab that is opened later');
  });

  t.test(`by ${way}: who leaves is followed by another, and nothing is left undone`, async (t) => {
    const all = openMany(t, 4, options);
    await oneLeads(all);
    const [first] = leaders(all);
    ask(all, 'asked before');
    first?.tabs.close();
    const rest = all.filter((one) => one !== first);
    await oneLeads(rest);
    await settle(rest, 'asked after');
    t.equal(timesOf(all, 'asked before'), 1);
    t.equal(timesOf(all, 'asked after'), 1);
  });
}

t.test('a leader that dies without a word is followed by another', async (t) => {
  const all = openMany(t, 3);
  await oneLeads(all);
  const [dead] = leaders(all);
  dead?.die();
  const rest = all.filter((one) => one !== dead);
  ask(rest, 'toast');
  await oneLeads(rest);
  await until(() => timesOf(rest, 'toast') > 0, { what: 'done' });
  await settle(rest, 'last');
  t.equal(timesOf(rest, 'toast'), 1);
});

t.test('the tab that is looked at does it; one that alone asks, too', async (t) => {
  const all = openMany(t, 3);
  await oneLeads(all);
  const seen = open(t, `tabs${groups}`, { isInSight: () => true });
  await settle([...all, seen], 'toast');
  t.same(seen.did, ['toast']);
  const [follower] = all.filter(({ tabs }) => !tabs.isLeader);
  if (follower === undefined) throw new Error('there are two');
  await settle([follower], 'only here');
  t.ok(follower.did.includes('only here'), 'although the leader has not asked');
});

t.test('where tabs cannot hear of one another each does it itself', (t) => {
  const lone = [1, 2].map(() => {
    const did: string[] = [];
    const tabs = new Tabs({ name: 'x', openChannel: () => undefined, locks: null });
    t.teardown(() => tabs.close());
    return { tabs, did, die: () => undefined };
  });
  for (let n = 0; n < 2; n += 1) ask(lone, 'toast');
  t.equal(timesOf(lone, 'toast'), 2);
  t.end();
});

t.test('foreign words on the channel do no harm', async (t) => {
  const all = openMany(t, 2);
  const foreign = new BroadcastChannel(`tabs${groups}`);
  t.teardown(() => foreign.close());
  await oneLeads(all);
  for (const word of [
    null,
    7,
    'x',
    {},
    { is: 'lead' },
    { is: 'want', from: 'x' },
    { is: 1, from: 'x' },
  ]) {
    foreign.postMessage(word);
  }
  await settle(all, 'toast');
  t.equal(timesOf(all, 'toast'), 1);
});
