// Control server of an ingest node, on a private address: JSON for our tools, and the URLs and the
// XML of nginx-rtmp's control and statistics modules. Everything acts on the whole fleet.
//   GET  /streams · GET /sessions · GET /statistics · GET /stat (XML)
//   POST /sessions/<id>/kick · POST /streams/<id>/kick · POST /drain
//   POST /streams/<id>/record/{start,stop}?recorder&kind
//   GET  /control/record/{start,stop}?app&name&rec
//   GET  /control/drop/{publisher,subscriber,client}?app&name&addr&clientid
//   POST /streams/<id>/redirect?to=<id>
//   GET  /control/redirect/{publisher,subscriber,client}?…&newname
// An order that a silent node may have had to carry out is answered 504 (CONTROL_UNANSWERED).

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, coerceError, type Logger } from '../../cluster/index.js';
import { controlError } from '../errors.js';
import { RECORDING_KINDS } from '../recording/recording.js';
import type { FleetControl } from './fleet-control.js';
import type { Selection } from './selection.js';
import type { NodeStatistics } from './statistics.js';
import { statisticsXml } from './statistics-xml.js';

export interface ControlServerOptions {
  readonly port: number;
  readonly host: string;
  readonly control: FleetControl;
  /** Takes no new publishers from now on. */
  readonly onDrain: () => Promise<void>;
  readonly log: Logger;
}

export interface ControlServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain' | 'text/xml';
  readonly body: string;
}

const SECTIONS = ['publisher', 'subscriber', 'client'] as const;
const DROP_REASON = 'dropped by an operator';

/** Listens; rejects with EADDRINUSE when the port is taken. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://control');
    route(options, request.method ?? 'GET', url)
      .catch((thrown: unknown): Answer => {
        const error = thrown instanceof AppError ? (thrown as AppError) : undefined;
        if (error?.code === 'CONTROL_UNANSWERED') {
          options.log.warn({ event: 'rtmp.control.unanswered', ...error.details });
        } else if (error === undefined) {
          options.log.error({ event: 'rtmp.control.failed', err: coerceError(thrown) });
        }
        return refusal(error ?? controlError('CONTROL_FAILED'));
      })
      .then((answer) => send(response, answer))
      .catch((thrown: unknown) => {
        options.log.error({ event: 'rtmp.control.unsent', err: coerceError(thrown) });
      });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function route(options: ControlServerOptions, method: string, url: URL): Promise<Answer> {
  const { control } = options;
  const [first = '', second = '', third = ''] = url.pathname.split('/').slice(1);
  if (first === 'control' && (method === 'GET' || method === 'POST')) {
    return nginxControl(control, second, third, url.searchParams);
  }
  if (method === 'GET') {
    const nodes = await control.statistics();
    if (first === 'stat') return { status: 200, type: 'text/xml', body: statisticsXml(nodes) };
    if (first === 'statistics') return json(200, { nodes });
    if (first === 'streams') return json(200, { streams: withNode(nodes, 'streams') });
    if (first === 'sessions') return json(200, { sessions: withNode(nodes, 'sessions') });
  }
  if (method === 'POST' && first === 'drain') {
    await options.onDrain();
    return json(200, { draining: true });
  }
  if (method === 'POST' && third === 'kick' && (first === 'sessions' || first === 'streams')) {
    const id = decodeURIComponent(second);
    const selection: Selection =
      first === 'sessions'
        ? { section: 'client', session: id }
        : { section: 'publisher', name: id };
    const count = await control.drop(selection, url.searchParams.get('reason') ?? DROP_REASON);
    return json(count > 0 ? 200 : 404, { count });
  }
  if (method === 'POST' && first === 'streams' && third === 'record') {
    return recordJson(control, decodeURIComponent(second), url);
  }
  const to = url.searchParams.get('to');
  if (method === 'POST' && first === 'streams' && third === 'redirect' && to !== null) {
    const name = decodeURIComponent(second);
    const moved = await control.redirect({ section: 'publisher', name }, to);
    return json(moved > 0 ? 200 : 404, { count: moved });
  }
  throw controlError('CONTROL_UNKNOWN');
}

function withNode(nodes: readonly NodeStatistics[], key: 'streams' | 'sessions'): object[] {
  return nodes.flatMap((node) => node[key].map((one) => ({ nodeId: node.nodeId, ...one })));
}

async function recordJson(control: FleetControl, streamId: string, url: URL): Promise<Answer> {
  const action = actionOf(url.pathname.split('/')[4]);
  const { recorder, kind: kindName } = Object.fromEntries(url.searchParams);
  const kind = RECORDING_KINDS.find((one) => one === kindName);
  if (action === undefined || (kindName !== undefined && kind === undefined)) {
    throw controlError('CONTROL_RECORD', { kinds: RECORDING_KINDS.join(', ') });
  }
  const paths = await control.record(action, {
    streamId,
    ...(recorder === undefined ? {} : { recorder }),
    ...(kind === undefined ? {} : { kind }),
  });
  return json(paths.length > 0 ? 200 : 404, { count: paths.length, paths });
}

/** nginx-rtmp answers 200 with the path, 204 when nothing was to be done. */
async function recordNginx(
  control: FleetControl,
  verb: string,
  query: URLSearchParams,
): Promise<Answer> {
  const action = actionOf(verb);
  const { name: streamId, rec } = Object.fromEntries(query);
  if (action === undefined || streamId === undefined) {
    return { status: 500, type: 'text/plain', body: '' };
  }
  const order = { streamId, ...(rec === undefined || rec === '' ? {} : { recorder: rec }) };
  const paths = await control.record(action, order);
  const [path] = paths;
  return { status: path === undefined ? 204 : 200, type: 'text/plain', body: path ?? '' };
}

function actionOf(verb: string | undefined): 'start' | 'stop' | undefined {
  return verb === 'start' || verb === 'stop' ? verb : undefined;
}

/** nginx-rtmp answers 200 with the number, `0` when none was meant. */
async function nginxControl(
  control: FleetControl,
  verb: string,
  sectionName: string,
  query: URLSearchParams,
): Promise<Answer> {
  if (verb === 'record') return recordNginx(control, sectionName, query);
  const section = SECTIONS.find((one) => one === sectionName);
  if (section === undefined) return { status: 404, type: 'text/plain', body: '' };
  const selection = readSelection(section, query);
  if (verb === 'drop') return count(await control.drop(selection, DROP_REASON));
  const newName = query.get('newname');
  if (verb === 'redirect' && newName !== null && newName !== '') {
    return count(await control.redirect(selection, newName));
  }
  return { status: verb === 'redirect' ? 500 : 404, type: 'text/plain', body: '' };
}

function readSelection(section: Selection['section'], query: URLSearchParams): Selection {
  const { app, name, addr, clientid } = Object.fromEntries(query);
  return {
    section,
    ...(app === undefined ? {} : { app }),
    ...(name === undefined ? {} : { name }),
    ...(addr === undefined ? {} : { addr }),
    ...(clientid === undefined ? {} : { clientId: Number(clientid) }),
  };
}

function refusal(error: AppError): Answer {
  return json(error.http, error.toBody());
}

function count(number: number): Answer {
  return { status: 200, type: 'text/plain', body: String(number) };
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
