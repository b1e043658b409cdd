// The simulator: whole gateway workers and real clients in virtual time, over modelled links and a
// modelled Redis. The same seed gives the same run.
export { ModelSocket } from './model-socket.js';
export type { Oracle, Violation } from './oracles.js';
export { RedisModel, type Plant } from './redis-model.js';
export { runSeed, type RunReport } from './run-seed.js';
export { runScript } from './script-calls.js';
