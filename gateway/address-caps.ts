// How many connections one address may have, and how fast it may open them, on this worker. An IPv6
// client has a whole /64 to choose addresses from, so that counts as one. Invariant: the table of
// rates stays bounded however many addresses an attacker has.
import { isIP } from 'node:net';

export interface AddressCapsOptions {
  /** Open at once from one address; 0 = any number. */
  readonly addressConnectionsMax: number;
  /** Attempts per second from one address, as many at once too; 0 = any number. */
  readonly addressConnectsPerSecMax: number;
  /** Connections that are open now from a network as `networkOf` names it. */
  readonly connectionsOf: (network: string) => number;
  /** Addresses that stand for many clients: a trusted proxy that did not say for whom it speaks. */
  readonly isProxy: (address: string) => boolean;
  readonly nowMs: () => number;
}

/** Networks whose last attempts are remembered. */
export const ADDRESSES_MAX = 50_000;

export class AddressCaps {
  /** When the bucket of a network is full again, ms; oldest attempt first. */
  private readonly arrivals = new Map<string, number>();

  constructor(private readonly options: AddressCapsOptions) {}

  get size(): number {
    return this.arrivals.size;
  }

  /** Undefined = welcome, and the attempt is counted. */
  refuse(address: string): 'address_connections' | 'address_rate' | undefined {
    const { addressConnectionsMax, connectionsOf, isProxy } = this.options;
    if (isProxy(address)) return undefined;
    const network = networkOf(address);
    if (addressConnectionsMax > 0 && connectionsOf(network) >= addressConnectionsMax) {
      return 'address_connections';
    }
    return this.isTooFast(network) ? 'address_rate' : undefined;
  }

  private isTooFast(network: string): boolean {
    const { addressConnectsPerSecMax: rate, nowMs } = this.options;
    if (rate === 0) return false;
    const now = nowMs();
    const fullMs = Math.max(this.arrivals.get(network) ?? 0, now) + 1_000 / rate;
    if (fullMs - now > 1_000 + 1e-6) return true;
    this.arrivals.delete(network);
    this.arrivals.set(network, fullMs);
    this.forgetOldest(now);
    return false;
  }

  /** What is full again needs no memory; of the rest those go that came longest ago. */
  private forgetOldest(now: number): void {
    for (const [network, fullMs] of this.arrivals) {
      if (fullMs > now && this.arrivals.size <= ADDRESSES_MAX) return;
      this.arrivals.delete(network);
    }
  }
}

/** An IPv4 address as it is; of an IPv6 address its first 64 bits, however it was written. */
export function networkOf(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const words = (text = ''): string[] => (text === '' ? [] : text.split(':'));
  const [left, right] = [words(head), words(tail)];
  const gap = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const whole = tail === undefined ? left : [...left, ...gap, ...right];
  const first = whole.slice(0, 4).map((word) => parseInt(word, 16).toString(16));
  return `${first.join(':')}::/64`;
}
