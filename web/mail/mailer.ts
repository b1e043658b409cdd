// Sends what the outbox holds, by SMTP. Any number of web processes may run one: each mail is
// claimed under a row lock that others skip. Invariant: a mail is sent again only when nobody knows
// whether the first sending succeeded; what cannot be sent is tried ever less often for a day, then
// left with its error.
import { createTransport, type Transporter } from 'nodemailer';
import { coerceError, type Clock, type Logger } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { MailEntity, type Mail } from '../db/entities/mail.js';

const LOOK_EVERY_MS = 1_000;
const FIRST_PAUSE_MS = 5_000;
const TRIES_MAX = 14;

export interface Mailer {
  start(): void;
  stop(): Promise<void>;
  /** Sends what is due now. @returns mails sent. */
  sendDue(): Promise<number>;
}

export function createMailer(parts: {
  database: Database;
  clock: Clock;
  log: Logger;
  /** smtp://user:password@host:port or smtps://… */
  smtpUrl: string;
  /** Sender, such as `Showbill <no-reply@example.org>`. */
  from: string;
}): Mailer {
  const { database, clock, log, smtpUrl, from } = parts;
  const transport: Transporter = createTransport({
    url: smtpUrl,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 15_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running: Promise<unknown> = Promise.resolve();

  /** Claims one mail by moving its next try; a process that dies meanwhile only delays it. */
  function claim(): Promise<Mail | undefined> {
    return database.transaction(async (manager) => {
      const now = new Date(clock.nowMs());
      const mails = manager.getRepository(MailEntity);
      const due = await mails
        .createQueryBuilder('m')
        .where('m.sentAt IS NULL AND m.nextTryAt <= :now AND m.tries < :max', {
          now,
          max: TRIES_MAX,
        })
        .orderBy('m.nextTryAt', 'ASC')
        .limit(1)
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .getOne();
      if (due === null) return undefined;
      const pauseMs = FIRST_PAUSE_MS * 2 ** due.tries;
      const nextTryAt = new Date(clock.nowMs() + pauseMs);
      await mails.update({ id: due.id }, { nextTryAt, tries: due.tries + 1 });
      return due;
    });
  }

  async function send(mail: Mail): Promise<boolean> {
    const mails = database.repository(MailEntity);
    try {
      await transport.sendMail({
        from,
        to: mail.recipient,
        subject: mail.subject,
        text: mail.body,
        messageId: `<mail-${mail.id}@showbill>`,
      });
    } catch (thrown) {
      const { message } = coerceError(thrown);
      log.warn({ event: 'mail.failed', mail: mail.id, reason: message });
      await mails.update({ id: mail.id }, { lastError: message.slice(0, 200) });
      return false;
    }
    await mails.update({ id: mail.id }, { sentAt: new Date(clock.nowMs()), body: '' });
    return true;
  }

  async function sendDue(): Promise<number> {
    let sent = 0;
    for (let mail = await claim(); mail !== undefined && !isStopped; mail = await claim()) {
      if (await send(mail)) sent += 1;
    }
    return sent;
  }

  function schedule(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      // The database says by itself when it is away; mail waits for it.
      running = sendDue()
        .catch(() => undefined)
        .finally(schedule);
    }, LOOK_EVERY_MS);
  }

  return {
    start: schedule,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      transport.close();
    },
    sendDue,
  };
}
