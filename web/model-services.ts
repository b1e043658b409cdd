// The services for models and their own rooms, made together because each makes lists forget what
// they knew. Used by site.ts.
import type { Clock, TokenService } from '../cluster/index.js';
import type { Database } from './db/database.js';
import type { Announcer } from './live/announcer.js';
import { createApplicationService, type ApplicationService } from './models/application-service.js';
import { createPublishAddress, type PublishAddress } from './models/publish-address.js';
import { createPublishTickets, type PublishTickets } from './models/publish-ticket.js';
import { createRoomService, type RoomService } from './models/room-service.js';
import type { Billing, Fleet, Moderation, RoomControl } from './ports.js';

export interface ModelServices {
  readonly applications: ApplicationService;
  readonly rooms: RoomService;
  readonly publishAddress: PublishAddress;
  readonly publishTickets: PublishTickets;
}

export function createModelServices(parts: {
  database: Database;
  billing: Billing;
  control: RoomControl;
  moderation: Moderation;
  announcer: Announcer;
  fleet: Fleet;
  tokens: TokenService;
  settings: { readonly rtmpUrl: string; readonly hlsUrl: string; readonly showMaxSec: number };
  clock: Clock;
  /** Called after a room has changed. */
  onChange: () => void;
}): ModelServices {
  const { fleet, settings, tokens } = parts;
  return {
    applications: createApplicationService(parts),
    rooms: createRoomService({ ...parts, limits: { showMaxSec: settings.showMaxSec } }),
    publishAddress: createPublishAddress({
      ...{ fleet, publicUrl: settings.rtmpUrl, hlsUrl: settings.hlsUrl },
    }),
    publishTickets: createPublishTickets({ tokens }),
  };
}
