// An HTTP server that answers as the API of SRS documents it: no registry carries SRS itself.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestScope } from '../../cluster/testing/index.js';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly publish: boolean;
}

/** The part of `/api/v1/clients` that SRS documents: paging, one server id, DELETE kicks. */
export async function startSrs(t: TestScope) {
  const state = { rows: [] as Row[], kicked: [] as string[], looks: 0, isBroken: false, login: '' };
  const answer = (response: ServerResponse, payload: object): void => {
    const common = { code: 0, server: 'vid-1', service: 's', pid: '7' };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...common, ...payload }));
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://srs');
    state.login = request.headers.authorization ?? '';
    if (state.isBroken) {
      response.writeHead(500).end('busy');
    } else if (request.method === 'DELETE') {
      const id = pathname.split('/').at(-1) ?? '';
      state.kicked.push(id);
      state.rows = state.rows.filter((row) => row.id !== id);
      answer(response, {});
    } else {
      state.looks += 1;
      const start = Number(searchParams.get('start') ?? 0);
      const count = Math.max(10, Number(searchParams.get('count') ?? 10));
      const clients = state.rows.slice(start, start + count).map((row) => ({
        ...row,
        ...{ vhost: 'vid-v', stream: 'vid-s', ip: '10.0.0.9', tcUrl: 'rtmp://h/live' },
        ...{ type: row.publish ? 'fmle-publish' : 'rtmp-play', alive: 3.2 },
      }));
      answer(response, { clients });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { state, url: `http://admin:se%20cret@127.0.0.1:${port}` };
}
