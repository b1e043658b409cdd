// Which addresses may publish, play, or speak for others (proxies). Used by the server and by
// sessions.

import { BlockList, isIP } from 'node:net';

export interface AddressRuleOptions {
  /** Networks in CIDR form or single addresses; an empty allow list allows all. */
  readonly allow: readonly string[];
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

export class AddressRules {
  readonly #allow: BlockList | undefined;
  readonly #deny: BlockList;

  /** @throws TypeError or RangeError for a text that is no network */
  constructor(options: AddressRuleOptions) {
    this.#allow = options.allow.length === 0 ? undefined : networks(options.allow);
    this.#deny = networks(options.deny);
  }

  allows(address: string): boolean {
    if (contains(this.#deny, address)) return false;
    return this.#allow === undefined || contains(this.#allow, address);
  }
}

/** A set of networks. @throws for a text that is no network */
export function networks(list: readonly string[]): BlockList {
  const set = new BlockList();
  for (const one of list) {
    const [address = '', bits] = one.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) set.addAddress(address, family);
    else set.addSubnet(address, Number(bits), family);
  }
  return set;
}

export function contains(set: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && set.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** An IPv4 address that arrived over a dual-stack socket, in its plain form. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
