// A single-use link that was mailed: only the SHA-256 of its token is kept.
import { defineEntity } from './define-entity.js';

export type LinkPurpose = 'activate' | 'reset';

export interface MailLink {
  readonly tokenHash: string;
  readonly userId: string;
  readonly purpose: LinkPurpose;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  usedAt: Date | null;
}

export const MailLinkEntity = defineEntity<MailLink>({
  name: 'MailLink',
  tableName: 'mail_link',
  columns: {
    tokenHash: { name: 'token_hash', type: 'char', length: 64, primary: true },
    userId: { name: 'user_id', type: 'bigint', unsigned: true },
    purpose: { type: 'varchar', length: 10 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    expiresAt: { name: 'expires_at', type: 'datetime', precision: 3 },
    usedAt: { name: 'used_at', type: 'datetime', precision: 3, nullable: true },
  },
});
