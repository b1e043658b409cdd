// What hooks are compared with: a uWebSockets.js server that reads the body and says yes (the
// ceiling), and one that reads and writes a balance and makes one SQL transaction per hook (the
// floor).
import { createPool } from 'mysql2/promise';
import uWS from 'uWebSockets.js';
import { connectRedis } from '../../cluster/index.js';
import { silentLog } from '../../cluster/testing/index.js';
import { serveParent } from '../lib/node-child.js';

export interface HookServerCalls {
  readonly listen: {
    readonly args: { readonly redisUrl: string; readonly mysqlUrl: string };
    /** `/bare` and `/naive` are served at this port. */
    readonly reply: { readonly port: number };
  };
}

const CONNECTIONS = 8;
const WALLETS = 1_000;

type Charge = (body: string) => Promise<void>;

async function naive(redisUrl: string, mysqlUrl: string): Promise<Charge> {
  const redis = await connectRedis(redisUrl, { role: 'command', name: 'naive', log: silentLog });
  const pool = createPool({ uri: mysqlUrl, connectionLimit: CONNECTIONS });
  await pool.query('CREATE DATABASE IF NOT EXISTS naive_hooks');
  await pool.query(
    'CREATE TABLE IF NOT EXISTS naive_hooks.charge ' +
      '(id BIGINT AUTO_INCREMENT PRIMARY KEY, wallet BIGINT NOT NULL, amount BIGINT NOT NULL)',
  );
  return async (body) => {
    const wallet = Number(new URLSearchParams(body).get('clientid')) % WALLETS;
    const key = `naive:${wallet}`;
    const balance = Number((await redis.get(key)) ?? '1000000000');
    await redis.set(key, String(balance - 1));
    const sql = await pool.getConnection();
    await sql.beginTransaction();
    await sql.query('INSERT INTO naive_hooks.charge (wallet, amount) VALUES (?, 1)', [wallet]);
    await sql.commit();
    sql.release();
  };
}

async function listen(args: HookServerCalls['listen']['args']): Promise<{ port: number }> {
  const charge = await naive(args.redisUrl, args.mysqlUrl);
  const app = uWS.App();
  const serve = (path: string, work: Charge | undefined): void => {
    app.post(path, (response) => {
      let isOver = false;
      let body = '';
      response.onAborted(() => (isOver = true));
      const answer = (): void => {
        if (isOver) return;
        response.cork(() => response.writeHeader('content-type', 'text/plain').end('ok\n'));
      };
      response.onData((part, isLast) => {
        body += Buffer.from(part).toString('latin1');
        if (!isLast) return;
        if (work === undefined) answer();
        else void work(body).then(answer);
      });
    });
  };
  serve('/bare', undefined);
  serve('/naive', charge);
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (listener) => {
      if (listener === false) reject(new Error('no port'));
      else resolve({ port: uWS.us_socket_local_port(listener) });
    });
  });
}

serveParent<HookServerCalls>({ listen });
