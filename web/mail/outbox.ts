// Outgoing mail: written in the transaction of its cause, so that neither exists without the other,
// and sent later by mailer.ts. Used by accounts.
import type { EntityManager } from 'typeorm';
import { MailEntity } from '../db/entities/mail.js';

export interface Letter {
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly body: string;
}

export async function postMail(manager: EntityManager, letter: Letter, now: Date): Promise<void> {
  await manager.getRepository(MailEntity).insert({
    recipient: letter.to,
    subject: letter.subject,
    body: letter.body,
    createdAt: now,
    nextTryAt: now,
    tries: 0,
    sentAt: null,
    lastError: null,
  });
}
