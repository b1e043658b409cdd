// Reports of messages and rooms, and what became of them. Used by the routes. Invariant: one person
// reports one thing once; a report is closed once, with its audit entry.
import type { Clock } from '../../cluster/index.js';
import { recordAudit, type Actor } from '../admin/audit.js';
import { duplicateKey, type Database } from '../db/database.js';
import {
  ReportEntity,
  type Report,
  type ReportReason,
  type ReportState,
} from '../db/entities/report.js';
import { siteError } from '../errors.js';
import type { RoomCatalog } from './room-catalog.js';

export interface ListedReport extends Report {
  readonly slug: string;
  readonly reporter: string;
}

export interface ReportService {
  /** Reporting twice is reporting once. @throws ROOM_NOT_FOUND */
  report(
    slug: string,
    reporterId: string,
    form: {
      mid?: string;
      author?: string;
      text?: string;
      reason: ReportReason;
      note?: string;
    },
  ): Promise<void>;
  /** Oldest first; `roomId` absent = of all rooms. */
  list(query: {
    state: ReportState;
    roomId?: string;
    limit: number;
    afterId: string;
  }): Promise<ListedReport[]>;
  /** @param roomId absent = whatever room. @throws REPORT_NOT_FOUND, REQUEST_DECIDED */
  close(
    id: string,
    verdict: { state: 'resolved' | 'dismissed'; resolution: string; actor: Actor },
    roomId?: string,
  ): Promise<void>;
}

const LIST = `SELECT p.id, p.room_id AS roomId, p.reporter_id AS reporterId, p.subject,
    p.subject_ref AS subjectRef, p.author, p.text, p.reason, p.note, p.state, p.resolution,
    p.resolved_by AS resolvedBy, p.created_at AS createdAt, p.resolved_at AS resolvedAt,
    r.slug, u.username AS reporter
  FROM report p JOIN room r ON r.id = p.room_id JOIN user u ON u.id = p.reporter_id
  WHERE p.state = ? AND p.id > ?`;

export function createReportService(parts: {
  database: Database;
  catalog: RoomCatalog;
  clock: Clock;
}): ReportService {
  const { database, catalog, clock } = parts;
  const now = (): Date => new Date(clock.nowMs());
  return {
    async report(slug, reporterId, { mid, author = '', text = '', reason, note = '' }) {
      const { id: roomId } = await catalog.find(slug);
      const subject = mid === undefined ? ('room' as const) : ('message' as const);
      const row = {
        ...{ roomId, reporterId, subject, subjectRef: mid ?? '', author, text, reason, note },
        ...{ state: 'open' as const, resolution: null, resolvedBy: null },
        ...{ createdAt: now(), resolvedAt: null },
      };
      try {
        await database.repository(ReportEntity).insert(row);
      } catch (thrown) {
        if (duplicateKey(thrown) !== 'report_once') throw thrown;
      }
    },

    list: ({ state, roomId, limit, afterId }) => {
      const inRoom = roomId === undefined ? '' : ' AND p.room_id = ?';
      const room = roomId === undefined ? [] : [roomId];
      const sql = `${LIST}${inRoom} ORDER BY p.id LIMIT ?`;
      return database.rows<ListedReport>(sql, [state, afterId, ...room, limit]);
    },

    async close(id, { state, resolution, actor }, roomId) {
      await database.transaction(async (manager) => {
        const reports = manager.getRepository(ReportEntity);
        const where = { id, ...(roomId === undefined ? {} : { roomId }) };
        const found = await reports.findOne({ where, lock: { mode: 'pessimistic_write' } });
        if (found === null) throw siteError('REPORT_NOT_FOUND');
        if (found.state !== 'open') throw siteError('REQUEST_DECIDED', { state: found.state });
        const columns = { state, resolution, resolvedBy: actor.id, resolvedAt: now() };
        await reports.update({ id }, columns);
        await recordAudit(manager, {
          actor,
          action: `report.${state}`,
          subjectType: 'room',
          subjectId: found.roomId,
          detail: { report: id, resolution },
          createdAt: now(),
        });
      });
    },
  };
}
