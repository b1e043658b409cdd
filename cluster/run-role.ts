// The frame of every role's main.ts: configuration, logger and lifecycle, then the role's own
// parts, then waiting for a signal.
// Invariant: a broken configuration is one line per problem and exit code 2.
import { type Config, ConfigError, loadConfig } from './config.js';
import { coerceError } from './errors.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import { createLogger, type Logger } from './log.js';
import type { Role } from './members.js';

/** Makes the parts of a role and adds them in start order; nothing listens before all are added. */
export type Compose = (config: Config, log: Logger, lifecycle: Lifecycle) => Promise<void>;

/** Runs the role until SIGTERM or SIGINT. Exit codes: 0, 1 after a fault, 2 on configuration. */
export function runRole(role: Role, compose: Compose): void {
  run(role, compose).catch((thrown: unknown) => {
    const isConfig = thrown instanceof ConfigError;
    const lines = isConfig ? thrown.problems : [coerceError(thrown).message];
    for (const line of lines) process.stderr.write(`${role}: ${line}\n`);
    process.exit(isConfig ? 2 : 1);
  });
}

async function run(role: Role, compose: Compose): Promise<void> {
  const config = loadConfig();
  const log = createLogger({ role, nodeId: config.node.id, level: config.log.level });
  const lifecycle = createLifecycle(log, { stopDeadlineMs: config.ops.stopDeadlineMs });
  await compose(config, log, lifecycle);
  await lifecycle.runUntilSignal();
}
