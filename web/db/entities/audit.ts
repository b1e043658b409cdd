// Append-only record of what people with power did, written in the same transaction as the deed.
import { defineEntity } from './define-entity.js';

export interface AuditEntry {
  readonly id: string;
  readonly actorId: string;
  /** area.verb, such as model.approve. */
  readonly action: string;
  readonly subjectType: 'user' | 'room' | 'model' | 'session' | 'tip' | 'programme';
  readonly subjectId: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  readonly ip: string;
  readonly createdAt: Date;
}

export const AuditEntity = defineEntity<AuditEntry>({
  name: 'AuditEntry',
  tableName: 'audit',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    actorId: { name: 'actor_id', type: 'bigint', unsigned: true },
    action: { type: 'varchar', length: 40 },
    subjectType: { name: 'subject_type', type: 'varchar', length: 10 },
    subjectId: { name: 'subject_id', type: 'varchar', length: 32 },
    detail: { type: 'json' },
    ip: { type: 'varchar', length: 45 },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
  },
});
