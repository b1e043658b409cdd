// One Prometheus registry per process. Names are checked when a metric is made, so that no folder
// can leave the convention: showbill_<area>_<thing>[_<unit>][_total], base units, bounded labels.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { assert } from './errors.js';

export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

const NAME = /^showbill_[a-z][a-z0-9]*_[a-z0-9_]+$/;
const FORBIDDEN_LABELS = new Set(['user', 'room', 'ip', 'stream', 'key', 'session', 'channel']);
const NOT_BASE_UNITS = /_(ms|millis|milliseconds|kb|mb|minutes|percent)(_total)?$/;

export interface MetricOptions<L extends string> {
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  readonly labels?: readonly L[];
}

export interface Metrics {
  readonly registry: Registry;
  /** `collect` runs at each scrape, for what is counted elsewhere. */
  counter<L extends string = never>(
    options: MetricOptions<L> & { collect?: (this: Counter<L>) => void },
  ): Counter<L>;
  gauge<L extends string = never>(
    options: MetricOptions<L> & { collect?: (this: Gauge<L>) => void },
  ): Gauge<L>;
  histogram<L extends string = never>(
    options: MetricOptions<L> & { buckets: readonly number[] },
  ): Histogram<L>;
}

/** Why `name` with these labels breaks the convention; undefined when it does not. */
export function metricProblem(
  kind: 'counter' | 'gauge' | 'histogram',
  name: string,
  labels: readonly string[],
): string | undefined {
  if (!NAME.test(name)) return `${name} is not of the form showbill_<area>_<thing>`;
  if (NOT_BASE_UNITS.test(name)) return `${name} is not in base units (seconds, bytes, ratio)`;
  if ((kind === 'counter') !== name.endsWith('_total')) {
    return `${name}: counters, and only counters, end in _total`;
  }
  const unbounded = labels.find((label) => FORBIDDEN_LABELS.has(label));
  return unbounded === undefined ? undefined : `${name}: label ${unbounded} is unbounded`;
}

/** The registry of a process, with Node's own metrics and the role as a constant label. */
export function createMetrics(role: string, options: { process?: boolean } = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  if (options.process ?? true) collectDefaultMetrics({ register: registry });

  function base<L extends string>(
    kind: 'counter' | 'gauge' | 'histogram',
    { name, help, labels = [] }: MetricOptions<L>,
  ) {
    const problem = metricProblem(kind, name, labels);
    assert(problem === undefined, problem ?? '');
    return { name, help, labelNames: [...labels], registers: [registry] };
  }

  return {
    registry,
    counter: (o) =>
      new Counter({
        ...base('counter', o),
        ...(o.collect === undefined ? {} : { collect: o.collect }),
      }),
    gauge: (o) =>
      new Gauge({
        ...base('gauge', o),
        ...(o.collect === undefined ? {} : { collect: o.collect }),
      }),
    histogram: (o) => new Histogram({ ...base('histogram', o), buckets: [...o.buckets] }),
  };
}
