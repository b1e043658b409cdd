// What admins read afterwards: the audit record, and the mails that a machine without a mail server
// keeps.
import { In } from 'typeorm';
import type { Database } from '../db/database.js';
import { AuditEntity, type AuditEntry } from '../db/entities/audit.js';
import { MailEntity, type Mail } from '../db/entities/mail.js';
import { UserEntity } from '../db/entities/user.js';

export interface RecordService {
  /** Newest first; `beforeId` is the id that the page before ended with. */
  audit(page: { limit: number; beforeId?: string }): Promise<AuditEntry[]>;
  /** Names of accounts by their ids; who deleted the account is `deleted:<id>`. One query. */
  names(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** The newest mails that have not been sent. */
  mailbox(limit: number): Promise<Mail[]>;
}

export function createRecordService({ database }: { database: Database }): RecordService {
  return {
    audit: ({ limit, beforeId }) => {
      const query = database.repository(AuditEntity).createQueryBuilder('a');
      if (beforeId !== undefined) query.where('a.id < :beforeId', { beforeId });
      return query.orderBy('a.id', 'DESC').take(limit).getMany();
    },
    async names(ids) {
      if (ids.length === 0) return new Map();
      const users = database.repository(UserEntity);
      const found = await users.find({
        select: { id: true, username: true },
        where: { id: In([...new Set(ids)]) },
      });
      return new Map(found.map(({ id, username }) => [id, username]));
    },
    mailbox: (limit) =>
      database
        .repository(MailEntity)
        .createQueryBuilder('m')
        .where('m.sentAt IS NULL')
        .orderBy('m.id', 'DESC')
        .take(limit)
        .getMany(),
  };
}
