// Tickets to come back with: who shows one that is good for long enough keeps it, others get a new
// one, which gives what the old one gave.
import t from 'tap';
import { createTokenService } from '../../cluster/index.js';
import { startRedis, TEST_SECRETS } from '../../cluster/testing/index.js';
import { RESUME_TTL_SEC } from '../access.js';
import type { Fields } from '../protocol/index.js';
import { connectRaw, resumeIn } from './raw-client.js';
import { roomTicket, startWorker } from './worker-harness.js';

const server = await startRedis(t);
const { url } = await startWorker(t, server.url);

/** As the gateway signed it so many seconds ago. */
function resumeOf(ageSec: number): string {
  const clock = {
    nowMs: () => Date.now() - ageSec * 1_000,
    monotonicMs: () => performance.now(),
  };
  const claims = { sub: 'anna', room: '7', level: 'moderator' };
  return createTokenService(TEST_SECRETS.token, clock).sign('resume', claims, RESUME_TTL_SEC);
}

/** Comes on a new connection. */
async function come(ticket: string): Promise<Fields> {
  const client = await connectRaw(t, url, 'anna');
  return client.call({ c: 'sub', ch: 'room:7', ticket });
}

t.test(
  'a room ticket, good once, is followed by a resume ticket, good again and again',
  async (t) => {
    const resume = resumeIn(await come(roomTicket('anna', '7', 'moderator')));
    t.not(resume, '');
    for (let times = 0; times < 2; times += 1) {
      const reply = await come(resume);
      t.match(reply, { r: { level: 'moderator' } });
      t.equal(resumeIn(reply), '', 'that one stays');
    }
  },
);

t.test('one that has less than ten minutes left has a successor', async (t) => {
  t.equal(resumeIn(await come(resumeOf(290))), '');
  const resume = resumeIn(await come(resumeOf(310)));
  t.not(resume, '');
  t.match(await come(resume), { r: { level: 'moderator' } });
  t.match(await come(resumeOf(RESUME_TTL_SEC + 1)), { e: ['ticket_expired'] });
});
