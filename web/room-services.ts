// The services around rooms, made together because they share the catalog. Used by site.ts.
import type { Clock, Logger } from '../cluster/index.js';
import type { Database } from './db/database.js';
import { createBroadcastLog, type BroadcastLog } from './live/broadcast-log.js';
import type { LiveState } from './live/live-state.js';
import { createScheduleService, type ScheduleService } from './models/schedule-service.js';
import { createProfileService, type ProfileService } from './rooms/profile-service.js';
import { createRoomCatalog, type RoomCatalog } from './rooms/room-catalog.js';
import { createStandings, type Standings } from './rooms/standing.js';

export interface RoomServices {
  readonly catalog: RoomCatalog;
  readonly profiles: ProfileService;
  readonly standings: Standings;
  readonly schedule: ScheduleService;
  readonly broadcasts: BroadcastLog;
}

export function createRoomServices(parts: {
  database: Database;
  live: LiveState;
  clock: Clock;
  log: Logger;
}): RoomServices {
  const catalog = createRoomCatalog(parts);
  return {
    catalog,
    profiles: createProfileService({ ...parts, catalog }),
    standings: createStandings(parts),
    schedule: createScheduleService(parts),
    broadcasts: createBroadcastLog(parts),
  };
}
