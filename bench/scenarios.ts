// All scenarios by name. Each is loaded only when it runs: most need packages that others do not.
import type { Scenario } from './lib/run-context.js';

export const scenarios: Readonly<Record<string, () => Promise<Scenario>>> = {
  fanout: async () => (await import('./scenarios/fanout.js')).fanout,
  ticks: async () => (await import('./scenarios/ticks.js')).ticks,
};
