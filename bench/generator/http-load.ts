// HTTP load by autocannon, in a process of its own so that the server's CPU is the server's.
import autocannon from 'autocannon';
import { serveParent } from '../lib/node-child.js';

export interface HttpLoadCalls {
  readonly fire: {
    readonly args: {
      readonly url: string;
      readonly seconds: number;
      readonly connections: number;
    };
    readonly reply: {
      readonly requests: number;
      readonly perSec: number;
      readonly p99Ms: number;
      readonly bytesPerSec: number;
      /** Errors, time-outs and answers other than 2xx. */
      readonly failures: number;
    };
  };
}

serveParent<HttpLoadCalls>({
  async fire({ url, seconds, connections }) {
    const { requests, latency, throughput, errors, timeouts, non2xx } = await autocannon({
      ...{ url, connections, duration: seconds },
    });
    return {
      ...{ requests: requests.total, perSec: requests.average, p99Ms: latency.p99 },
      ...{ bytesPerSec: throughput.average, failures: errors + timeouts + non2xx },
    };
  },
});
