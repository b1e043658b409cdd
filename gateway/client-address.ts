// The address that a connection counts under: the peer's, unless the peer is a trusted proxy. Then
// its PROXY header is believed, and X-Forwarded-For from the right, up to the first address that is
// not one of ours.
import { BlockList, isIP } from 'node:net';

/** @param proxied source address of a PROXY header, '' = there was none; asked of proxies only */
export type AddressOf = (peer: string, forwardedFor: string, proxied?: () => string) => string;

/** @param proxies addresses or networks in CIDR form */
export function createProxyCheck(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  return (raw) => {
    if (proxies.length === 0) return false;
    const address = normalise(raw);
    return isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  };
}

/** @param isTrusted see createProxyCheck */
export function createAddressOf(isTrusted: (address: string) => boolean): AddressOf {
  return (rawPeer, forwardedFor, proxied) => {
    const link = normalise(rawPeer);
    if (!isTrusted(link)) return link;
    const source = proxied?.() ?? '';
    const peer = source === '' ? link : normalise(source);
    if (!isTrusted(peer)) return peer;
    const hops = forwardedFor.split(',').map((hop) => normalise(hop.trim()));
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) break;
      if (!isTrusted(hop)) return hop;
    }
    return peer;
  };
}

/** IPv4 addresses mapped into IPv6 as what they are; uWebSockets writes them out in full. */
function normalise(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^(?:::ffff:|0000:0000:0000:0000:0000:ffff:)(.+)$/i.exec(address)?.[1];
  if (mapped === undefined) return address;
  if (isIP(mapped) === 4) return mapped;
  const words = mapped.split(':').map((word) => parseInt(word, 16));
  return words.flatMap((word) => [word >> 8, word & 255]).join('.');
}
