// Entry: brings the site schema up to date and ends. Deployments run it before they switch
// releases; main.ts does the same at start, so that one machine needs no extra step.
import { createLogger, loadConfig, ConfigError } from '../cluster/index.js';
import { migrateSite } from './db/migrations.js';

try {
  const config = loadConfig();
  const log = createLogger({ role: 'migrate', nodeId: config.node.id, level: config.log.level });
  const ran = await migrateSite({ url: config.mysql.url, log });
  log.info({ event: 'migrate.done', ran });
} catch (thrown) {
  if (!(thrown instanceof ConfigError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 2;
}
