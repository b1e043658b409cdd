// What every scenario gets: options, the compiled tree, a scope that takes down all that was
// started.
import { mkdirSync } from 'node:fs';
import type { BenchOptions } from '../arguments.js';
import type { CompiledTree } from './compiled-tree.js';
import type { ScenarioReport } from './result.js';
import type { RunScope } from './teardown.js';

export interface Run {
  readonly options: BenchOptions;
  readonly tree: CompiledTree;
  readonly scope: RunScope;
  /** Of the machine. */
  readonly cores: number;
  /** A line for whoever waits. */
  readonly say: (line: string) => void;
}

export type Scenario = (run: Run) => Promise<ScenarioReport>;

/** Flags of Node for a server under test: a CPU profile on exit when one was asked for. */
export function serverFlags(run: Run, name: string): readonly string[] {
  const { profileDir } = run.options;
  if (profileDir === undefined) return [];
  mkdirSync(profileDir, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name}.cpuprofile`];
}

/**
 * True when `only` leaves this name in. The first contender of a list is always kept by its caller.
 */
export function isWanted(run: Run, name: string): boolean {
  return run.options.only === undefined || name.includes(run.options.only);
}
