// The one table that `npm start` prints: where everything is and how to get in.
import { networkInterfaces } from 'node:os';
import type { DemoAccounts } from './demo.js';
import type { LocalOptions } from './local-options.js';
import type { LocalPorts } from './local-plan.js';

export function summaryTable(
  options: LocalOptions,
  ports: LocalPorts,
  demo: DemoAccounts | undefined,
): string {
  const at = (port: number, path = ''): string => `http://127.0.0.1:${port}${path}`;
  const rows: [string, string][] = [
    ['site', at(ports.web)],
    ...lanAddresses().map((address): [string, string] => [
      'from another device',
      `http://${address}:${ports.web}`,
    ]),
    ['publish to', `rtmp://127.0.0.1:${ports.rtmp}/publish`],
    ...Object.entries(demo?.streamKeys ?? {}).map(([name, key]): [string, string] => [
      `stream key of ${name}`,
      key,
    ]),
    ...(demo?.logins ?? []).map(({ username, password, role, note }): [string, string] => [
      `login (${role})`,
      `${username} / ${password}${note === undefined ? '' : `   ${note}`}`,
    ]),
    ['metrics', `${at(ports.webOps, '/metrics')} (web)`],
    ['', `${at(ports.billingOps, '/metrics')} (billing)`],
    ['', `${at(ports.rtmpOps, '/metrics')} (rtmp)`],
    ...ports.gateways.map(({ ops }, index): [string, string] => [
      '',
      `${at(ops, '/metrics')} (gateway-${index + 1})`,
    ]),
    ['logs and data', options.dataDir],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

/** IPv4 addresses under which a phone in the same network reaches this machine; at most two. */
function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .slice(0, 2);
}
