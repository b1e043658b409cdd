// The services around rooms, made together because they share the catalog. Used by site.ts.
import type { Clock, Logger } from '../cluster/index.js';
import type { AccountService } from './accounts/account-service.js';
import { createStageService, type StageService } from './admin/stage-service.js';
import type { Database } from './db/database.js';
import type { Announcer } from './live/announcer.js';
import { createBroadcastLog, type BroadcastLog } from './live/broadcast-log.js';
import type { LiveState } from './live/live-state.js';
import { createScheduleService, type ScheduleService } from './models/schedule-service.js';
import type { Billing, Publisher, RoomControl } from './ports.js';
import {
  createProgrammeService,
  type ProgrammeService,
  type ProgrammeSettings,
} from './programme/programme-service.js';
import { createProfileService, type ProfileService } from './rooms/profile-service.js';
import type { RoomCatalog } from './rooms/room-catalog.js';
import { createModeratorService, type ModeratorService } from './rooms/moderator-service.js';
import { createPrivateService, type PrivateService } from './rooms/private-service.js';
import { createPrivateWatch, type PrivateWatch } from './rooms/private-watch.js';
import { createReportService, type ReportService } from './rooms/report-service.js';
import type { Standings } from './rooms/standing.js';

export interface RoomServices {
  readonly catalog: RoomCatalog;
  readonly profiles: ProfileService;
  readonly standings: Standings;
  readonly schedule: ScheduleService;
  readonly broadcasts: BroadcastLog;
  readonly moderators: ModeratorService;
  readonly reports: ReportService;
  readonly privates: PrivateService;
  readonly privateWatch: PrivateWatch;
  readonly stage: StageService;
  readonly programme: ProgrammeService;
}

export function createRoomServices(parts: {
  database: Database;
  accounts: AccountService;
  catalog: RoomCatalog;
  standings: Standings;
  announcer: Announcer;
  live: LiveState;
  billing: Billing;
  control: RoomControl;
  publisher: Publisher;
  programmeSettings: ProgrammeSettings;
  privateGraceSec: number;
  clock: Clock;
  log: Logger;
}): RoomServices {
  const privates = createPrivateService(parts);
  return {
    catalog: parts.catalog,
    standings: parts.standings,
    moderators: createModeratorService(parts),
    reports: createReportService(parts),
    privates,
    privateWatch: createPrivateWatch({
      ...parts,
      privates,
      graceMs: parts.privateGraceSec * 1_000,
    }),
    stage: createStageService(parts),
    programme: createProgrammeService({ ...parts, settings: parts.programmeSettings }),
    profiles: createProfileService(parts),
    schedule: createScheduleService(parts),
    broadcasts: createBroadcastLog(parts),
  };
}
