// Our RTMP ingest as a server under test: its own process, with a hook server that accepts
// everything beside it. Nothing behind ingest runs: nginx-rtmp next to it does not transcode
// either.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger, createMetrics } from '../../cluster/index.js';
import { createIngestMetrics, INGEST_DEFAULTS, RtmpServer } from '../../rtmp/index.js';
import { serveParent } from '../lib/node-child.js';

export interface RtmpNodeCalls {
  readonly listen: { readonly args: null; readonly reply: { readonly port: number } };
}

const UPDATE_INTERVAL_MS = 600_000;

async function startHooks(): Promise<string> {
  const hooks = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      if (form.get('call') === 'publish') {
        response.writeHead(302, { location: form.get('name') ?? '' }).end();
      } else response.writeHead(200).end();
    });
  });
  hooks.listen(0, '127.0.0.1');
  await once(hooks, 'listening');
  return `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
}

serveParent<RtmpNodeCalls>({
  async listen() {
    const hookUrl = await startHooks();
    const server = new RtmpServer({
      options: {
        ...INGEST_DEFAULTS,
        ...{ host: '127.0.0.1', port: 0, nodeId: 'bench', updateIntervalMs: UPDATE_INTERVAL_MS },
      },
      hookTarget: { url: () => hookUrl },
      listener: { streamStarted: () => undefined, streamEnded: () => undefined },
      metrics: createIngestMetrics(createMetrics('rtmp', { process: false })),
      log: createLogger({ role: 'rtmp', nodeId: 'bench', level: 'error' }),
    });
    await server.start();
    return { port: server.port };
  },
});
