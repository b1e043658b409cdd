// What the two listeners of hooks share: who may call, and the members of a call. Used by http.ts
// and hook-listener.ts.
import { BlockList, isIPv6 } from 'node:net';
import type { HookParams } from './hooks.js';

export const HOOK_BODY_BYTES_MAX = 16 * 1024;

/**
 * Query and form together; the first value of a name wins, so appended client arguments cannot
 * override.
 */
export function mergeParams(query: string, body: Buffer): HookParams {
  const params = new Map<string, string>();
  for (const source of [query, body.toString('utf8')]) {
    for (const [name, value] of new URLSearchParams(source)) {
      if (!params.has(name)) params.set(name, value);
    }
  }
  return params;
}

/** Addresses and CIDR networks. */
export class AllowList {
  private readonly list = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }

  has(peer: string): boolean {
    return this.list.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4');
  }
}
