// The keys under which forms give commands: nothing is done twice, and a refusal ends nothing but
// its own key.
import t from 'tap';
import { parseProblem } from '../src/api/problem.js';
import { CommandKey } from '../src/state/command-key.js';

const answers = (status: number, code: string) => () =>
  Promise.reject(parseProblem(status, { code, detail: code }));

await t.test('an answer that was lost keeps the key, whatever kind of loss it was', async (t) => {
  const command = new CommandKey();
  const keys = new Set<string>();
  const lost = [
    answers(503, 'BILLING_UNAVAILABLE'),
    answers(429, 'TOO_MANY'),
    answers(401, 'NOT_SIGNED_IN'),
    () => Promise.reject(new TypeError('Failed to fetch')),
  ];
  for (const fail of lost) {
    await t.rejects(
      command.use('5', (key) => {
        keys.add(key);
        return fail();
      }),
    );
  }
  await command.use('5', (key) => Promise.resolve(keys.add(key)));
  t.equal(keys.size, 1);
});

await t.test('done, refused or changed: the next command has another key', async (t) => {
  const command = new CommandKey();
  const keys: string[] = [];
  const send = (about: string, outcome: () => Promise<unknown>) =>
    command
      .use(about, (key) => {
        keys.push(key);
        return outcome();
      })
      .catch(() => undefined);
  await send('5', answers(402, 'INSUFFICIENT_CREDIT'));
  await send('5', answers(409, 'FINANCE_REFUSED'));
  await send('5', answers(403, 'WALLET_FROZEN'));
  await send('5', () => Promise.resolve());
  await send('5', answers(503, 'BILLING_UNAVAILABLE'));
  await send('6', () => Promise.resolve());
  t.equal(new Set(keys).size, 6);
});

await t.test('a key that is known for another wish stays: its outcome is not known', async (t) => {
  const command = new CommandKey();
  const keys = new Set<string>();
  for (let at = 0; at < 2; at += 1) {
    await t.rejects(
      command.use('5', (key) => {
        keys.add(key);
        return answers(409, 'KEY_REUSED')();
      }),
    );
  }
  t.equal(keys.size, 1);
});
