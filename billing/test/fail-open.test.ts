// The allowance of paid sessions while Redis is away: each has its own, and outages that are over
// leave nothing behind.
import t from 'tap';
import { createMetrics } from '../../cluster/index.js';
import { ManualClock } from '../../cluster/testing/index.js';
import { FailOpen } from '../fail-open.js';
import { billingMetrics } from '../metrics.js';

const ALLOWANCE_MS = 60_000;
/** As many as one process remembers. */
const SESSIONS = 200_000;

t.test('a session passes for its allowance, from its own first failure', (t) => {
  const clock = new ManualClock();
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const failOpen = new FailOpen({ allowanceMs: ALLOWANCE_MS, clock, metrics });
  t.ok(failOpen.mayPass('a'));
  clock.advance(ALLOWANCE_MS - 1);
  t.ok(failOpen.mayPass('a'));
  t.ok(failOpen.mayPass('b'));
  clock.advance(1);
  t.notOk(failOpen.mayPass('a'));
  t.ok(failOpen.mayPass('b'));
  failOpen.succeeded('a');
  t.ok(failOpen.mayPass('a'), 'it was checked in between');
  t.end();
});

t.test('memory is bounded, and sessions of an old outage do not fill it', (t) => {
  const clock = new ManualClock();
  const metrics = billingMetrics(createMetrics('billing', { process: false }));
  const failOpen = new FailOpen({ allowanceMs: ALLOWANCE_MS, clock, metrics });
  for (let at = 0; at < SESSIONS; at += 1) failOpen.mayPass(`session-${at}`);
  t.notOk(failOpen.mayPass('stranger'), 'more than one process can have');
  clock.advance(3_600_000);
  t.ok(failOpen.mayPass('viewer'), 'an hour later another outage begins');
  t.end();
});
