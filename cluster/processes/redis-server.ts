// A private redis-server. deploy/local.ts runs the two Redis of a one-machine cluster with it, the
// test harness one or several per test file. Ready means that this very server answered PING with
// PONG.
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { type ChildServer, startChildServer } from './child-server.js';

export interface RedisServerOptions {
  /** Directory for data; made when it is missing. */
  readonly dir: string;
  readonly port: number;
  /** Address to bind; default 127.0.0.1. */
  readonly host?: string;
  /**
   * Append-only file: `no` (default) keeps nothing, `always` loses nothing after an acknowledged
   * write.
   */
  readonly appendFsync?: 'no' | 'everysec' | 'always';
  /** Default noeviction: a full server refuses writes instead of forgetting. */
  readonly maxmemoryPolicy?: 'noeviction' | 'allkeys-lru' | 'volatile-ttl';
  /** In bytes; 0 (default) = no limit. */
  readonly maxmemoryBytes?: number;
  /** Runs as a Redis Cluster node with this bus port. */
  readonly clusterBusPort?: number;
  /** Further arguments, `--name value`, after all others. */
  readonly extraArgs?: readonly string[];
  readonly logFile?: string;
  readonly readyDeadlineMs?: number;
}

/** `exited`, `stop`, `kill`, `pause`, `resume` as for every child; `url` is `redis://host:port`. */
export interface RedisServer extends ChildServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** @throws AppError as startChildServer does. */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const host = options.host ?? '127.0.0.1';
  await mkdir(options.dir, { recursive: true });
  const child = await startChildServer({
    name: 'redis-server',
    programs: ['redis-server'],
    debianPackage: 'redis-server',
    args: argsOf(options, host),
    port: options.port,
    portBusyPattern: /Address already in use|Failed listening on port/,
    isReady: (pid) => answersPing(host, options.port, pid),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.readyDeadlineMs === undefined ? {} : { readyDeadlineMs: options.readyDeadlineMs }),
  });
  return { ...child, url: `redis://${host}:${options.port}`, host, port: options.port };
}

function argsOf(options: RedisServerOptions, host: string): string[] {
  const appendFsync = options.appendFsync ?? 'no';
  const settings: Record<string, string> = {
    port: String(options.port),
    bind: host,
    dir: options.dir,
    daemonize: 'no',
    save: '',
    appendonly: appendFsync === 'no' ? 'no' : 'yes',
    appendfsync: appendFsync,
    maxmemory: String(options.maxmemoryBytes ?? 0),
    'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
  };
  if (options.clusterBusPort !== undefined) {
    settings['cluster-enabled'] = 'yes';
    settings['cluster-port'] = String(options.clusterBusPort);
    settings['cluster-config-file'] = 'nodes.conf';
    // Shorter than the default 15 s, so that a lost master is noticed while a test still runs.
    settings['cluster-node-timeout'] = '2000';
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return [...args, ...(options.extraArgs ?? [])];
}

/**
 * One PING over a fresh connection; false on refusal, LOADING, another server or silence of 500 ms.
 */
function answersPing(host: string, port: number, pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let reply = '';
    const end = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(500, () => end(false));
    socket.once('error', () => end(false));
    socket.once('end', () => end(false));
    socket.once('connect', () => socket.write('PING\r\nINFO server\r\n'));
    socket.on('data', (data) => {
      reply += data.toString('latin1');
      const answering = /^process_id:(\d+)\r$/m.exec(reply)?.[1];
      if (!reply.startsWith('+PONG'.slice(0, reply.length))) end(false);
      else if (answering !== undefined) end(answering === String(pid));
    });
  });
}
