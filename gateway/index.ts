// All that other folders may import from gateway/ (web/ui and bench/ also take protocol/ and
// client/).
export { type ControlOrder, createGatewayControl, type GatewayControl } from './control.js';
export { gatewayError, gatewayErrors } from './errors.js';
export {
  createPublisher,
  type Publisher,
  type PublisherOptions,
  type PublishOutcome,
  type PublishRequest,
} from './publisher.js';
export type { AuditRecord } from './audit.js';
export type { Ban, BanPage } from './bans.js';
export {
  createRoomAdmin,
  type RoomAct,
  type RoomAdmin,
  type RoomAdminOptions,
} from './room-admin.js';
export type { RoomFlags } from './room-flags.js';
export type { RoomSettings } from './room-settings.js';
export { readViewerCounts } from './presence-scripts.js';
