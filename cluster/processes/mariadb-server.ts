// A private mariadbd with its own data directory. deploy/local.ts runs the database of a
// one-machine cluster with it, the test harness one per test file. Ready means that it answered a
// query.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { clusterError, coerceError } from '../errors.js';
import { type ChildServer, startChildServer } from './child-server.js';

export interface MariadbServerOptions {
  /** Directory for data, socket and start-up file; made when it is missing. */
  readonly dir: string;
  readonly port: number;
  /** Made anew at each start with all rights, over TCP from this machine only. */
  readonly user: string;
  readonly password: string;
  /** An installed data directory to copy instead of installing (0.1 s instead of 2 s). */
  readonly templateDir?: string;
  /**
   * Size of the InnoDB redo log; default 64 MB. 4 keeps a data directory at 22 MB instead of 114.
   */
  readonly redoLogMb?: number;
  /** InnoDB buffer pool; default 128 MB. */
  readonly bufferPoolMb?: number;
  /**
   * `power` (default): a commit survives a power cut. `process`: it survives kill -9 of mariadbd
   * only.
   */
  readonly durability?: 'power' | 'process';
  readonly logFile?: string;
  readonly readyDeadlineMs?: number;
}

/** `url` is `mysql://user:password@127.0.0.1:port/`, without a database. */
export interface MariadbServer extends ChildServer {
  readonly url: string;
  readonly port: number;
}

const HOST = '127.0.0.1';
const run = promisify(execFile);

/**
 * Installs the data directory when it is missing, then starts. @throws AppError as startChildServer
 * does.
 */
export async function startMariadbServer(options: MariadbServerOptions): Promise<MariadbServer> {
  const { dir, port, user, password, templateDir } = options;
  const dataDir = join(dir, 'data');
  await mkdir(dir, { recursive: true });
  if (!existsSync(dataDir)) {
    if (templateDir === undefined) await installMariadb(dataDir);
    else await copyDataDir(templateDir, dataDir);
  }
  await writeFile(join(dir, 'init.sql'), accountSql(user, password), { mode: 0o600 });
  const url = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${HOST}:${port}/`;
  const child = await startChildServer({
    name: 'mariadbd',
    programs: ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd', '/usr/bin/mariadbd', 'mariadbd'],
    debianPackage: 'mariadb-server',
    args: argsOf(options, dataDir),
    port,
    portBusyPattern: /Can't start server: Bind on TCP\/IP port|another server running on port/,
    isReady: () => answersFrom(dataDir, url),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.readyDeadlineMs === undefined ? {} : { readyDeadlineMs: options.readyDeadlineMs }),
  });
  return { ...child, url, port };
}

/**
 * Makes a data directory at `dataDir`, whole or not at all. About 2 s.
 * @throws AppError MARIADB_INSTALL with the output of mariadb-install-db.
 */
export async function installMariadb(dataDir: string): Promise<void> {
  const draft = `${dataDir}.${process.pid}.draft`;
  await rm(draft, { recursive: true, force: true });
  const args = [
    '--no-defaults',
    `--datadir=${draft}`,
    // root gets in through the Unix socket as the same system user only.
    '--auth-root-authentication-method=socket',
    '--skip-test-db',
    '--skip-name-resolve',
    '--innodb-log-file-size=4M',
    ...asRoot(),
  ];
  try {
    await run('mariadb-install-db', args);
    await moveUnlessThere(draft, dataDir);
  } catch (thrown) {
    throw clusterError('MARIADB_INSTALL', { reason: coerceError(thrown).message }, thrown);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Atomic: of several processes that install at once one wins and the others take its result. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if (!existsSync(to)) throw thrown;
  }
}

async function copyDataDir(from: string, to: string): Promise<void> {
  await cp(from, `${to}.copy`, { recursive: true });
  await rename(`${to}.copy`, to);
}

function accountSql(user: string, password: string): string {
  const account = `${quote(user)}@'${HOST}'`;
  // init_file takes one statement a line.
  return [
    `CREATE OR REPLACE USER ${account} IDENTIFIED BY ${quote(password)};`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;`,
    '',
  ].join('\n');
}

function quote(text: string): string {
  return `'${text.replace(/['\\]/g, (one) => `\\${one}`)}'`;
}

function argsOf(options: MariadbServerOptions, dataDir: string): string[] {
  return [
    '--no-defaults',
    `--datadir=${dataDir}`,
    `--socket=${socketPath(options.dir)}`,
    `--pid-file=${join(options.dir, 'mariadbd.pid')}`,
    `--init-file=${join(options.dir, 'init.sql')}`,
    `--port=${options.port}`,
    `--bind-address=${HOST}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_ci',
    '--default-time-zone=+00:00',
    '--max-connections=300',
    `--innodb-log-file-size=${options.redoLogMb ?? 64}M`,
    `--innodb-buffer-pool-size=${options.bufferPoolMb ?? 128}M`,
    `--innodb-flush-log-at-trx-commit=${options.durability === 'process' ? 2 : 1}`,
    // 2: flush the log and leave; the next start recovers, as it must be able to anyway.
    '--innodb-fast-shutdown=2',
    ...asRoot(),
  ];
}

/** mariadbd refuses to run as root unless told. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** A Unix socket path holds at most 107 bytes; a deep directory gets a short stand-in. */
function socketPath(dir: string): string {
  const inside = join(dir, 'mariadbd.sock');
  if (Buffer.byteLength(inside) <= 100) return inside;
  const digest = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  return join(tmpdir(), `showbill-${digest}.sock`);
}

async function answersFrom(dataDir: string, url: string): Promise<boolean> {
  // Loaded on use: most processes that import cluster/ have no business with SQL.
  const { createConnection } = await import('mysql2/promise');
  try {
    const connection = await createConnection({ uri: url, connectTimeout: 1_000 });
    try {
      const [rows] = await connection.query('SELECT @@datadir AS dir');
      const [row] = rows as { dir: string }[];
      return row !== undefined && resolve(row.dir) === resolve(dataDir);
    } finally {
      connection.destroy();
    }
  } catch {
    return false;
  }
}
