// What the two listeners of hooks share: who may call, and the members of a call. Used by http.ts
// and hook-listener.ts.
import { BlockList, isIPv6 } from 'node:net';
import type { HookParams } from './hooks.js';

/** Peers whose answer is remembered: a handful of media nodes and proxies. */
const PEERS_MAX = 1_000;

export const HOOK_BODY_BYTES_MAX = 16 * 1024;

/**
 * Query and form together; the first value of a name wins, so appended client arguments cannot
 * override.
 */
export function mergeParams(query: string, body: Buffer): HookParams {
  const params = new Map<string, string>();
  for (const source of [query, body.toString('utf8')]) {
    addForm(params, source.startsWith('?') ? source.slice(1) : source);
  }
  return params;
}

/** What URLSearchParams says, at a quarter of its cost for the pairs that need no decoding. */
function addForm(params: Map<string, string>, form: string): void {
  for (let at = 0; at < form.length;) {
    const next = form.indexOf('&', at);
    const end = next < 0 ? form.length : next;
    const pair = form.slice(at, end);
    at = end + 1;
    if (/[%+]/.test(pair)) {
      for (const [name, value] of new URLSearchParams(`&${pair}`)) addParam(params, name, value);
    } else if (pair !== '') {
      const sign = pair.indexOf('=');
      if (sign < 0) addParam(params, pair, '');
      else addParam(params, pair.slice(0, sign), pair.slice(sign + 1));
    }
  }
}

function addParam(params: Map<string, string>, name: string, value: string): void {
  if (!params.has(name)) params.set(name, value);
}

/** Addresses and CIDR networks. */
export class AllowList {
  private readonly list = new BlockList();
  private readonly known = new Map<string, boolean>();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }

  has(peer: string): boolean {
    const known = this.known.get(peer);
    if (known !== undefined) return known;
    const isAllowed = this.list.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4');
    if (this.known.size >= PEERS_MAX) this.known.clear();
    this.known.set(peer, isAllowed);
    return isAllowed;
  }
}
