// Where a model's encoder publishes to. Used by the model's desk and the demo data.
import type { Fleet } from '../ports.js';

export interface PublishAddress {
  /** `rtmp://host:port/publish`; undefined while no ingest node is up. */
  find(siteHost: string): string | undefined;
}

/** @param publicUrl a fixed address from the settings; empty = the least loaded ingest node. */
export function createPublishAddress(parts: { fleet: Fleet; publicUrl: string }): PublishAddress {
  return {
    find(siteHost) {
      if (parts.publicUrl !== '') return parts.publicUrl.replace(/\/$/, '');
      const [best] = parts.fleet
        .list('rtmp')
        .filter((one) => !one.isDraining && one.address['rtmpPort'] !== undefined)
        .sort((a, b) => a.load - b.load);
      if (best === undefined) return undefined;
      const host = best.address['host'] ?? '';
      return `rtmp://${host === '' ? siteHost : host}:${best.address['rtmpPort'] ?? ''}/publish`;
    },
  };
}
