// What redis-server says about itself: time per command, and its CPU. Needs Redis 7.0 or later.
import type { RedisClient } from '../../cluster/index.js';

export interface CommandTimes {
  readonly calls: number;
  readonly microsPerCall: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** All counters start from here. */
export async function resetCommandTimes(redis: RedisClient): Promise<void> {
  await redis.call('CONFIG', ['RESETSTAT']);
}

/** Time spent in one command, such as `evalsha`, since the reset. */
export async function commandTimes(redis: RedisClient, command: string): Promise<CommandTimes> {
  const stats = lineOf(await redis.info('commandstats'), `cmdstat_${command}`);
  const latency = lineOf(await redis.info('latencystats'), `latency_percentiles_usec_${command}`);
  return {
    calls: numberOf(stats, 'calls'),
    microsPerCall: numberOf(stats, 'usec_per_call'),
    p50Micros: numberOf(latency, 'p50'),
    p99Micros: numberOf(latency, 'p99'),
  };
}

function lineOf(info: string, name: string): string {
  return info.split('\r\n').find((line) => line.startsWith(`${name}:`)) ?? '';
}

function numberOf(line: string, field: string): number {
  const value = line
    .slice(line.indexOf(':') + 1)
    .split(',')
    .find((part) => part.startsWith(`${field}=`));
  return Number(value?.slice(field.length + 1) ?? Number.NaN);
}
