// What somebody reported: a message or a whole room. The text is kept as it was, because the
// message itself may be gone when somebody looks.
import { defineEntity } from './define-entity.js';

export const REPORT_REASONS = ['abuse', 'spam', 'minor', 'illegal', 'privacy', 'other'] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];
export type ReportState = 'open' | 'resolved' | 'dismissed';

export interface Report {
  readonly id: string;
  readonly roomId: string;
  readonly reporterId: string;
  readonly subject: 'message' | 'room';
  /** Id of the message; empty for a room. */
  readonly subjectRef: string;
  /** Who said it, as the reporter saw the name; empty for a room. */
  readonly author: string;
  readonly text: string;
  readonly reason: ReportReason;
  readonly note: string;
  state: ReportState;
  resolution: string | null;
  resolvedBy: string | null;
  readonly createdAt: Date;
  resolvedAt: Date | null;
}

export const ReportEntity = defineEntity<Report>({
  name: 'Report',
  tableName: 'report',
  columns: {
    id: { type: 'bigint', unsigned: true, primary: true, generated: 'increment' },
    roomId: { name: 'room_id', type: 'bigint', unsigned: true },
    reporterId: { name: 'reporter_id', type: 'bigint', unsigned: true },
    subject: { type: 'varchar', length: 10 },
    subjectRef: { name: 'subject_ref', type: 'varchar', length: 64 },
    author: { type: 'varchar', length: 64 },
    text: { type: 'varchar', length: 500 },
    reason: { type: 'varchar', length: 20 },
    note: { type: 'varchar', length: 500 },
    state: { type: 'varchar', length: 10 },
    resolution: { type: 'varchar', length: 200, nullable: true },
    resolvedBy: { name: 'resolved_by', type: 'bigint', unsigned: true, nullable: true },
    createdAt: { name: 'created_at', type: 'datetime', precision: 3 },
    resolvedAt: { name: 'resolved_at', type: 'datetime', precision: 3, nullable: true },
  },
});
