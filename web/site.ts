// All services of the site, made from its ports and its database. Used by main.ts, demo.ts and
// tests.
import type { Clock, Logger } from '../cluster/index.js';
import { createTokenService } from '../cluster/index.js';
import { createAccountService, type AccountService } from './accounts/account-service.js';
import { createClosingService, type ClosingService } from './accounts/closing-service.js';
import { createRecoveryService, type RecoveryService } from './accounts/recovery-service.js';
import { createLoginGuard, type LoginGuard } from './accounts/login-guard.js';
import { createSessionService, type SessionService } from './accounts/session-service.js';
import { createFinanceService, type FinanceService } from './admin/finance-service.js';
import { createRecordService, type RecordService } from './admin/record-service.js';
import { createUserService, type UserService } from './admin/user-service.js';
import type { Database } from './db/database.js';
import { createIdentity, type Identity } from './http/identity.js';
import { createAnnouncer, type Announcer } from './live/announcer.js';
import { createLiveState, type LiveChange, type LiveState } from './live/live-state.js';
import { createAvatarService, type AvatarService } from './pictures/avatar-service.js';
import type { Ports } from './ports.js';
import type { ProgrammeSettings } from './programme/programme-service.js';
import { createConnectService, type ConnectService } from './realtime/connect-service.js';
import { createEntryService, type EntryService } from './rooms/entry-service.js';
import { createHlsSigner, type HlsSigner } from './rooms/hls-url.js';
import { createModelServices, type ModelServices } from './model-services.js';
import { createMoneyServices, type MoneyServices, type PaymentSettings } from './money-services.js';
import { createRoomServices, type RoomServices } from './room-services.js';
import { createRecordingService, type RecordingService } from './rooms/recording-service.js';
import { createRoomCatalog } from './rooms/room-catalog.js';
import { createStandings } from './rooms/standing.js';
import { createFollowService, type FollowService } from './social/follow-service.js';
import {
  createNotificationService,
  type NotificationService,
} from './social/notification-service.js';
import { createTipService, type TipService } from './rooms/tip-service.js';

export interface SiteSettings {
  /** Directory of pictures, shared by all web processes. */
  readonly mediaDir: string;
  readonly tokenSecret: string;
  readonly publicUrl: string;
  readonly activation: 'optional' | 'required';
  readonly isCookieSecure: boolean;
  readonly accessTtlSec: number;
  readonly refreshTtlSec: number;
  readonly refreshGraceSec: number;
  readonly hlsTtlSec: number;
  /** How long the viewer of a private show may be away before it ends. */
  readonly privateGraceSec: number;
  /** The longest show that billing allows, seconds; 0 = no limit. */
  readonly showMaxSec: number;
  /** Fixed public addresses in front of the fleet; empty = what members register. */
  readonly gatewayUrl: string;
  readonly hlsUrl: string;
  readonly rtmpUrl: string;
  readonly payments: PaymentSettings;
  readonly programme: ProgrammeSettings;
}

export interface Site extends RoomServices, ModelServices, MoneyServices {
  readonly ports: Ports;
  readonly database: Database;
  readonly accounts: AccountService;
  readonly avatars: AvatarService;
  readonly sessions: SessionService;
  readonly recovery: RecoveryService;
  readonly closing: ClosingService;
  readonly guard: LoginGuard;
  readonly identity: Identity;
  readonly hls: HlsSigner;
  readonly entry: EntryService;
  readonly recordings: RecordingService;
  readonly tips: TipService;
  readonly finance: FinanceService;
  readonly users: UserService;
  readonly records: RecordService;
  readonly follows: FollowService;
  readonly notifications: NotificationService;
  readonly connect: ConnectService;
  readonly live: LiveState;
}

export function createSite(parts: {
  ports: Ports;
  database: Database;
  settings: SiteSettings;
  clock: Clock;
  log: Logger;
}): Site {
  const { ports, database, settings, clock, log } = parts;
  const { billing, fleet, marks, control, moderation, publisher } = ports;
  const tokens = createTokenService(settings.tokenSecret, clock);
  const base = { database, billing, clock, log };

  const accounts = createAccountService({
    ...base,
    initialStatus: settings.activation === 'required' ? 'inactive' : 'active',
  });
  const sessions = createSessionService({ ...base, accounts, tokens, marks, settings });
  const identity = createIdentity({ tokens, sessions, accounts, settings });

  const live = createLiveState({ ...ports, log });
  const notifications = createNotificationService({ ...base, publisher });
  const announcer = createAnnouncer({ ...base, publisher, notifications });
  const catalog = createRoomCatalog({ ...base, live });
  const standings = createStandings(base);
  const aroundRooms = createRoomServices({
    ...{ ...base, ...{ accounts, catalog, standings, announcer, live, control, publisher } },
    ...{ programmeSettings: settings.programme, privateGraceSec: settings.privateGraceSec },
  });
  live.onChange((changes) => spread(changes, { ...aroundRooms, announcer }));

  const hls = createHlsSigner({
    secret: settings.tokenSecret,
    ttlSec: settings.hlsTtlSec,
    clock,
    publicUrl: settings.hlsUrl,
    previewSid: ports.directory.previewSid,
  });
  const entry = createEntryService({ ...aroundRooms, billing, live, tokens, hls });
  return {
    ports,
    database,
    ...aroundRooms,
    accounts,
    avatars: createAvatarService({
      ...{ ...base, publisher, jobs: ports.pictureJobs, mediaDir: settings.mediaDir },
      onChange: () => catalog.forget(),
    }),
    sessions,
    recovery: createRecoveryService({ ...base, sessions, publicUrl: settings.publicUrl }),
    closing: createClosingService({ ...base, sessions }),
    guard: createLoginGuard(ports.hits, clock),
    identity,
    ...createModelServices({
      ...{ ...base, control, moderation, announcer, fleet, tokens, settings },
      onChange: () => catalog.forget(),
    }),
    hls,
    entry,
    recordings: createRecordingService({ ...base, catalog, hls, recordings: ports.recordings }),
    follows: createFollowService({ ...base, catalog }),
    notifications,
    tips: createTipService({ catalog, billing, standings }),
    finance: createFinanceService({ ...base, accounts }),
    users: createUserService({ ...base, sessions, control, onChange: () => catalog.forget() }),
    records: createRecordService(base),
    ...createMoneyServices({
      ...{ ...base, finance: ports.finance },
      ...{ publicUrl: settings.publicUrl, payments: settings.payments },
    }),
    connect: createConnectService({ tokens, fleet, catalog, publicUrl: settings.gatewayUrl }),
    live,
  };
}

/** What follows when shows begin and end. */
async function spread(
  changes: readonly LiveChange[],
  parts: Pick<RoomServices, 'catalog' | 'broadcasts' | 'privates'> & { announcer: Announcer },
): Promise<void> {
  parts.catalog.forget();
  const ended = changes.filter((one) => !one.isLive).map((one) => one.stream.streamId);
  await Promise.all([
    parts.announcer.liveChanged(changes),
    parts.broadcasts.liveChanged(changes),
    parts.privates.streamsEnded(ended),
  ]);
}
