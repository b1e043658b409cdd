// Where a model's encoder publishes to. Used by the model's desk and the demo data.
import type { Fleet } from '../ports.js';

export interface PublishAddress {
  /** `rtmp://host:port/publish`; undefined while no ingest node is up. */
  find(siteHost: string): string | undefined;
  /** WebSocket address for publishing from a browser; undefined while no ingest node is up. */
  findForBrowser(site: { host: string; isSecure: boolean }): string | undefined;
}

/** Fixed addresses come from the settings; empty = the least loaded ingest node. */
export function createPublishAddress(parts: {
  fleet: Fleet;
  publicUrl: string;
  hlsUrl: string;
}): PublishAddress {
  const { fleet, publicUrl, hlsUrl } = parts;

  /** `host:port` of the best node. */
  function bestNode(port: 'rtmpPort' | 'hlsPort', siteHost: string): string | undefined {
    const [best] = fleet
      .list('rtmp')
      .filter((one) => !one.isDraining && one.address[port] !== undefined)
      .sort((a, b) => a.load - b.load);
    if (best === undefined) return undefined;
    const host = best.address['host'] ?? '';
    return `${host === '' ? siteHost : host}:${best.address[port] ?? ''}`;
  }

  return {
    find(siteHost) {
      if (publicUrl !== '') return publicUrl.replace(/\/$/, '');
      const node = bestNode('rtmpPort', siteHost);
      return node === undefined ? undefined : `rtmp://${node}/publish`;
    },
    findForBrowser({ host, isSecure }) {
      if (hlsUrl !== '') return `${hlsUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/publish`;
      const node = bestNode('hlsPort', host);
      return node === undefined ? undefined : `${isSecure ? 'wss' : 'ws'}://${node}/publish`;
    },
  };
}
