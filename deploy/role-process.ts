// Starts one role as a child: its environment, its log file, ready when /readyz says so.
import { join } from 'node:path';
import { type ChildServer, startChildServer } from '../cluster/index.js';
import type { RolePlan } from './local-plan.js';

/**
 * Generous, for a machine that does much else: a role that ends is told of at once, so this is only
 * for one that hangs.
 */
const READY_DEADLINE_MS = 180_000;

/** @throws AppError with the role's last lines when it ends or is not ready within 3 minutes. */
export function startRole(
  plan: RolePlan,
  where: { distDir: string; logDir: string },
  signal: AbortSignal,
): Promise<ChildServer> {
  return startChildServer({
    name: plan.name,
    programs: [process.execPath],
    debianPackage: 'nodejs',
    args: ['--enable-source-maps', ...plan.nodeOptions, join(where.distDir, plan.entry)],
    port: plan.opsPort,
    portBusyPattern: /EADDRINUSE/,
    isReady: () => isReady(plan.opsPort),
    readyDeadlineMs: READY_DEADLINE_MS,
    stopDeadlineMs: 9_000,
    logFile: join(where.logDir, `${plan.name}.log`),
    env: { ...process.env, ...plan.env },
    signal,
  });
}

async function isReady(opsPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`, {
      signal: AbortSignal.timeout(1_000),
    });
    return response.ok;
  } catch {
    return false;
  }
}
