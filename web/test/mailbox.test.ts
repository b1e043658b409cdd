// Activation and reset over a real SMTP server: links work once, mails are limited, nothing is
// told.
import { SMTPServer } from 'smtp-server';
import t from 'tap';
import { systemClock } from '../../cluster/index.js';
import { freePort, silentLog, until } from '../../cluster/testing/index.js';
import { createMailer } from '../mail/mailer.js';
import { startSite } from './site-fixture.js';

const inbox: { to: string; text: string }[] = [];
let isSmtpBroken = false;
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData(stream, session, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (isSmtpBroken) {
        done(new Error('mailbox is on fire'));
        return;
      }
      const text = Buffer.concat(chunks).toString().replace(/=\r\n/g, '').replace(/=3D/g, '=');
      for (const { address } of session.envelope.rcptTo) inbox.push({ to: address, text });
      done();
    });
  },
});
const port = await freePort();
await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
t.teardown(() => new Promise<void>((resolve) => smtp.close(resolve)));

const fixture = await startSite(t, { activation: 'required' });
const mailer = createMailer({
  database: fixture.database,
  clock: systemClock,
  log: silentLog,
  smtpUrl: `smtp://127.0.0.1:${port}`,
  from: 'Showbill <no-reply@site.test>',
});
t.teardown(() => mailer.stop());

const anna = { username: 'anna', email: 'anna@example.org', password: 'correct horse' };
const codeOf = (answer: { json: () => unknown }) => (answer.json() as { code?: string }).code;
const post = (path: string, body: object) => fixture.browser().post(`/api/v1${path}`, body);
const login = (password = anna.password) => post('/auth/login', { login: 'anna', password });

async function nextLink(path: string): Promise<string> {
  inbox.length = 0;
  await mailer.sendDue();
  const mail = await until(() => inbox.find((one) => one.text.includes(`/${path}?`)), {
    what: `mail with a link to ${path}`,
  });
  return new RegExp(`http://site\\.test/${path}\\?token=([\\w-]{22})`).exec(mail.text)?.[1] ?? '';
}

t.test('an account works after its activation link was followed, which works once', async (t) => {
  const browser = fixture.browser();
  const answer = await browser.post('/api/v1/auth/signup', anna);
  t.match(answer.json(), { activation: 'mailed' });
  t.equal(browser.cookies.size, 0, 'not logged in');
  t.equal(codeOf(await login()), 'ACCOUNT_INACTIVE');
  t.equal(codeOf(await login('wrong')), 'BAD_CREDENTIALS');

  const token = await nextLink('activate');
  t.equal(inbox[0]?.to, anna.email);
  const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
  t.equal(codeOf(await post('/auth/activate', { token: wrong })), 'LINK_INVALID');
  t.equal(codeOf(await login()), 'ACCOUNT_INACTIVE', 'a wrong token changes nothing');
  const reset = await post('/auth/reset', { token, password: 'another one' });
  t.equal(codeOf(reset), 'LINK_INVALID', 'a link is for one purpose');

  const answers = await Promise.all([1, 2, 3].map(() => post('/auth/activate', { token })));
  t.same(answers.map((one) => one.statusCode).sort(), [200, 400, 400]);
  t.equal((await login()).statusCode, 200);
});

t.test('activation can be asked for again, at most every 15 minutes', async (t) => {
  await post('/auth/signup', { ...anna, username: 'ben', email: 'ben@example.org' });
  await Promise.all([1, 2, 3].map(() => post('/auth/activation/request', { login: 'ben' })));
  const count = async () =>
    (await fixture.database.rows("SELECT id FROM mail WHERE recipient = 'ben@example.org'")).length;
  t.equal(await count(), 1);
  await fixture.database.rows('UPDATE mail_link SET created_at = created_at - INTERVAL 16 MINUTE');
  await Promise.all([1, 2, 3].map(() => post('/auth/activation/request', { login: 'ben' })));
  t.equal(await count(), 2);
});

t.test('a reset ends all sessions, works once, and asks are answered alike', async (t) => {
  const device = fixture.browser();
  await device.post('/api/v1/auth/login', { login: 'anna', password: anna.password });
  const ask = (who: string) => post('/auth/reset/request', { login: who });
  const [known, byMail, unknown] = [
    await ask('anna'),
    await ask('anna@example.org'),
    await ask('nobody'),
  ];
  t.same([known.statusCode, byMail.statusCode, unknown.statusCode], [202, 202, 202]);
  t.equal(known.body, unknown.body);
  const mails = await fixture.database.rows("SELECT id FROM mail WHERE subject LIKE 'Choose%'");
  t.equal(mails.length, 1, 'one mail in 15 minutes');

  const token = await nextLink('reset');
  await fixture.database.rows('UPDATE mail_link SET expires_at = expires_at - INTERVAL 47 HOUR');
  t.equal((await post('/auth/reset', { token, password: 'battery staple' })).statusCode, 204);
  t.equal(codeOf(await post('/auth/reset', { token, password: 'x'.repeat(9) })), 'LINK_INVALID');
  t.equal((await device.get('/api/v1/me')).statusCode, 401);
  t.equal(codeOf(await device.post('/api/v1/auth/refresh')), 'SESSION_ENDED');
  t.equal(codeOf(await login()), 'BAD_CREDENTIALS');
  t.equal((await login('battery staple')).statusCode, 200);
});

t.test('a reset link has ended after two days', async (t) => {
  await fixture.database.rows('UPDATE mail_link SET created_at = created_at - INTERVAL 1 DAY');
  await post('/auth/reset/request', { login: 'anna' });
  const token = await nextLink('reset');
  await fixture.database.rows('UPDATE mail_link SET expires_at = expires_at - INTERVAL 2 DAY');
  t.equal(codeOf(await post('/auth/reset', { token, password: 'x'.repeat(9) })), 'LINK_INVALID');
});

t.test('mail that cannot be sent is kept, tried again, and forgotten once sent', async (t) => {
  isSmtpBroken = true;
  await post('/auth/signup', { ...anna, username: 'cleo', email: 'cleo@example.org' });
  t.equal(await mailer.sendDue(), 0);
  const mail = async () =>
    (
      await fixture.database.rows<{ tries: number; sent_at: Date | null; body: string }>(
        "SELECT * FROM mail WHERE recipient = 'cleo@example.org'",
      )
    )[0];
  t.match(await mail(), { tries: 1, sent_at: null, last_error: /on fire/ });
  t.equal(await mailer.sendDue(), 0, 'not at once again');
  isSmtpBroken = false;
  await fixture.database.rows('UPDATE mail SET next_try_at = created_at WHERE sent_at IS NULL');
  await Promise.all([mailer.sendDue(), mailer.sendDue()]);
  t.equal(inbox.filter((one) => one.to === 'cleo@example.org').length, 1, 'two mailers, one mail');
  t.equal((await mail())?.body, '', 'the link is not kept');
});
