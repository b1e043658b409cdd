// The site schema as TypeORM sees it: entities and the ordered, append-only list of migrations.
import { AuditEntity } from './entities/audit.js';
import { BroadcastEntity } from './entities/broadcast.js';
import { FollowEntity } from './entities/follow.js';
import { MailLinkEntity } from './entities/mail-link.js';
import { MailEntity } from './entities/mail.js';
import { ModelProfileEntity } from './entities/model-profile.js';
import { NotificationEntity } from './entities/notification.js';
import { PrivateRequestEntity } from './entities/private-request.js';
import { PurchaseEntity } from './entities/purchase.js';
import { RefreshSessionEntity } from './entities/refresh-session.js';
import { RefundOrderEntity } from './entities/refund-order.js';
import { RefundRequestEntity } from './entities/refund-request.js';
import { ReportEntity } from './entities/report.js';
import { RoomEntity } from './entities/room.js';
import { ShowSlotEntity } from './entities/show-slot.js';
import { UserEntity } from './entities/user.js';
import { Accounts1763700000001 } from './migrations/0001-accounts.js';
import { Mail1763700000002 } from './migrations/0002-mail.js';
import { Purchases1763700000003 } from './migrations/0003-purchases.js';
import { Followers1763700000004 } from './migrations/0004-followers.js';
import { Rooms1763700000005 } from './migrations/0005-rooms.js';
import { Payments1763700000006 } from './migrations/0006-payments.js';
import { Avatars1763700000007 } from './migrations/0007-avatars.js';
import { Programme1763700000008 } from './migrations/0008-programme.js';
import { Staff1763700000009 } from './migrations/0009-staff.js';
import { ProgrammeSource1763700000010 } from './migrations/0010-programme-source.js';
import { PastShows1763700000011 } from './migrations/0011-past-shows.js';
import { PrivateSessions1763700000012 } from './migrations/0012-private-sessions.js';
import { ShowLimit1763700000013 } from './migrations/0013-show-limit.js';
import { VisitLimit1763700000014 } from './migrations/0014-visit-limit.js';

/** Name of the site's schema on the server of MYSQL_URL. */
export const SITE_SCHEMA = 'showbill';

export const entities = [
  AuditEntity,
  BroadcastEntity,
  MailEntity,
  MailLinkEntity,
  ModelProfileEntity,
  FollowEntity,
  NotificationEntity,
  PrivateRequestEntity,
  PurchaseEntity,
  RefreshSessionEntity,
  RefundOrderEntity,
  RefundRequestEntity,
  ReportEntity,
  RoomEntity,
  ShowSlotEntity,
  UserEntity,
];

export const migrations = [
  Accounts1763700000001,
  Mail1763700000002,
  Purchases1763700000003,
  Followers1763700000004,
  Rooms1763700000005,
  Payments1763700000006,
  Avatars1763700000007,
  Programme1763700000008,
  Staff1763700000009,
  ProgrammeSource1763700000010,
  PastShows1763700000011,
  PrivateSessions1763700000012,
  ShowLimit1763700000013,
  VisitLimit1763700000014,
];
