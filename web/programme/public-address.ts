// Which addresses the site may read for an admin: those of the public internet. What an admin types
// must not become a way into the network behind the site. Used by source-reader.ts.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

const closed = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  closed.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  closed.addSubnet(net, prefix, 'ipv6');
}

/**
 * Whether every address of the host is one of the public internet. A name may change between this
 * look and the request; who can make it do that is an admin of this site already.
 * @throws ENOTFOUND and the like for a name without an address
 */
export async function isPublicHost(hostname: string): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const found = family === 0 ? await lookup(host, { all: true }) : [{ address: host, family }];
  return found.every(({ address, family: one }) => !isClosed(address, one));
}

function isClosed(address: string, family: number): boolean {
  // BlockList compares mapped addresses (::ffff:10.0.0.1) with the rules of IPv4.
  return closed.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
