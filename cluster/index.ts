// All that other folders may import from cluster/ (tests also take cluster/testing/index.js).
export { type Clock, systemClock } from './clock.js';
export { type Config, ConfigError, loadConfig, maskedSettings, settingRows } from './config.js';
export { envExample } from './env-example.js';
export {
  AppError,
  assert,
  clusterError,
  clusterErrors,
  coerceError,
  defineErrors,
  type ErrorDetails,
  type ErrorRow,
  unreachable,
} from './errors.js';
export { hash32, hash64 } from './hash.js';
export { type HlsGrant, type HlsVerdict, signHlsPath, verifyHlsPath } from './hls-path.js';
export {
  type CallOptions,
  INTERNAL_ADDRESS,
  InternalClient,
  type InternalClientOptions,
} from './internal-client.js';
export {
  SIGNATURE_HEADER,
  type SignableRequest,
  type SignedRequest,
  signRequest,
  TIME_HEADER,
  verifyRequest,
} from './internal-signature.js';
export { jumpHash, jumpHashOfName } from './jump-hash.js';
export { createLifecycle, type Lifecycle, type Part } from './lifecycle.js';
export { createLogger, endLog, type Logger } from './log.js';
export { type Member, type MemberOptions, MemberRegistry, type Role } from './members.js';
export {
  type Counter,
  createMetrics,
  type Gauge,
  type Histogram,
  type Metrics,
  type Registry,
} from './metrics.js';
export { GATEWAY_NODE_OPTIONS } from './node-options.js';
export { ownText } from './own-text.js';
export { type OpsServer, type Readiness, startOpsServer } from './ops-server.js';
export {
  closeRedis,
  connectRedis,
  isCluster,
  redactUrl,
  type RedisClient,
  type RedisRole,
} from './redis.js';
export { channelPartition, channelTag, PARTITION_COUNT, partitionTag } from './partitions.js';
export { type ChildExit, type ChildServer, startChildServer } from './processes/child-server.js';
export {
  type Destination,
  type PlaceableMember,
  placeUser,
  ROOM_VIEWERS_PER_WORKER,
} from './placement.js';
export { freePort, freePortRange, isPortFree } from './processes/free-port.js';
export {
  type MariadbServer,
  type MariadbServerOptions,
  startMariadbServer,
} from './processes/mariadb-server.js';
export {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './processes/redis-server.js';
export { randomId } from './random-id.js';
export { SLOT_COUNT, slotOf } from './redis-slot.js';
export {
  assignBounded,
  type Assignment,
  type CurrentLoad,
  rankMembers,
  rendezvous,
  type RendezvousMember,
} from './rendezvous.js';
export type { Bus, SubscribeOptions, Unsubscribe } from './pubsub/bus.js';
export { createMemoryBus, MemoryNetwork } from './pubsub/bus-memory.js';
export { createRedisBus, type RedisBus, type RedisBusOptions } from './pubsub/bus-redis.js';
export {
  connectSubscriber,
  type RedisSubscriber,
  type RedisSubscriberOptions,
  type SubscriberStats,
} from './pubsub/redis-subscriber.js';
export type { ChannelListener, FeedListener } from './pubsub/subscription.js';
export {
  mayBeProxyHeader,
  parseProxyHeader,
  ProxyHeaderError,
  type ProxyHeader,
} from './proxy-header.js';
export { readProxyHeader } from './proxy-preamble.js';
export { parseRedisUrl, type RedisNode, type RedisTarget } from './redis-url.js';
export { ReplyError } from './reply-error.js';
export {
  defineScript,
  NoScriptError,
  observeScripts,
  parseHeader,
  Script,
  type ScriptArgument,
  type ScriptCall,
  type ScriptHeader,
} from './script.js';
export {
  createTokenService,
  type TokenClaims,
  type TokenPurpose,
  type TokenService,
  type Verified,
} from './token.js';
export { type Compose, runRole } from './run-role.js';
