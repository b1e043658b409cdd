// Reads a Redis address once, for ioredis and for our own subscriber connections alike.
import { clusterError } from './errors.js';

/** Where a Redis is and how to get in. */
export interface RedisTarget {
  readonly isCluster: boolean;
  /** One server, or the seed nodes of a Cluster; never empty. */
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  readonly username?: string;
  readonly password?: string;
  /** 0…15; always 0 in a Cluster. */
  readonly database: number;
  readonly isTls: boolean;
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

const FORM = /^(redis|rediss|redis-cluster|rediss-cluster):\/\/(?:([^@/]*)@)?([^@/]+)(?:\/(\d*))?$/;

/**
 * `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS, and for a Cluster
 * `redis-cluster://[user:password@]host:port,host:port` or `rediss-cluster://…`. User and password
 * are percent-encoded; an IPv6 address stands in brackets; the default port is 6379.
 * @throws AppError REDIS_URL; the message does not hold the URL, which may carry a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme = '', account = '', hosts = '', database = ''] = FORM.exec(url) ?? [];
  const [first, ...others] = hosts.split(',').map(parseNode);
  const isCluster = scheme.endsWith('-cluster');
  if (first === undefined || (!isCluster && others.length > 0)) throw clusterError('REDIS_URL');
  const [username = '', password = ''] = splitAccount(account);
  return {
    isCluster,
    nodes: [first, ...others],
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database: Number(database),
    isTls: scheme.startsWith('rediss'),
  };
}

/** `redis://:secret@h` gives a password without a user. */
function splitAccount(account: string): string[] {
  const colon = account.indexOf(':');
  const parts = colon < 0 ? [account] : [account.slice(0, colon), account.slice(colon + 1)];
  try {
    return parts.map(decodeURIComponent);
  } catch (thrown) {
    throw clusterError('REDIS_URL', {}, thrown);
  }
}

function parseNode(text: string): RedisNode {
  const [, bracketed, plain, port = '6379'] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw clusterError('REDIS_URL');
  return { host, port: Number(port) };
}
