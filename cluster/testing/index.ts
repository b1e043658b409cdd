// The test harness, for tests and bench/ only: real servers, faults, waiting, seeded randomness.
export { freePort, freePortRange } from '../processes/free-port.js';
export { captureLog, silentLog, TEST_SECRETS } from './fixtures.js';
export { ManualClock } from './manual-clock.js';
export { startMariadb, type TestMariadb, type TestMariadbOptions } from './mariadb.js';
export { startRedis, type TestRedis, type TestRedisOptions } from './redis.js';
export { slotRanges, startRedisCluster, type TestRedisCluster } from './redis-cluster.js';
export { type TestScope, withScope } from './scope.js';
export { randomFromSeed, seededRandom, type SeededRandom } from './seed.js';
export { type Direction, startTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { until, type UntilOptions } from './until.js';
