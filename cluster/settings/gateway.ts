// Settings of the WebSocket gateway. One row per variable; see config.ts.
import { CIDR, int, list, port, url } from '../setting.js';

export const gatewaySettings = {
  port: port('GATEWAY_PORT', {
    doc: 'WebSocket port shared by all gateway workers of a host; 0 = none.',
    fallback: 8081,
  }),
  privatePort: port('GATEWAY_PRIVATE_PORT', {
    doc: 'WebSocket port of this worker alone; 0 = any free port.',
    fallback: 8090,
  }),
  sockjsPort: port('GATEWAY_SOCKJS_PORT', {
    doc: 'SockJS port of this worker, for browsers without WebSocket; 0 = none.',
    fallback: 8070,
  }),
  sockjsUrl: url('GATEWAY_SOCKJS_URL', ['http', 'https'], {
    doc: 'Address of that port as browsers see it, ending in /rt; empty = from ADVERTISE_HOST.',
    fallback: '',
  }),
  internalPort: port('GATEWAY_INTERNAL_PORT', {
    doc: 'Signed server API of this worker; 0 = any free port, found through the member list.',
    fallback: 0,
  }),
  allowedOrigins: list('GATEWAY_ALLOWED_ORIGINS', {
    doc: 'Origins that browsers may connect from; empty = every host that serves the site port.',
    fallback: [],
  }),
  connectionsMax: int(
    'GATEWAY_CONNECTIONS_MAX',
    { min: 1, max: 1_000_000 },
    {
      doc: 'Further connections are refused with 503 and Retry-After.',
      fallback: 15_000,
    },
  ),
  connectsPerSecMax: int(
    'GATEWAY_CONNECTS_PER_SEC_MAX',
    { min: 1, max: 1_000_000 },
    {
      doc: 'Connection attempts admitted per second; more get 503 and Retry-After.',
      fallback: 5_000,
    },
  ),
  addressConnectionsMax: int(
    'GATEWAY_ADDRESS_CONNECTIONS_MAX',
    { min: 0, max: 1_000_000 },
    {
      doc: 'Connections of one address (IPv6: one /64) at a worker; more get 503; 0 = any number.',
      fallback: 500,
    },
  ),
  addressConnectsPerSecMax: int(
    'GATEWAY_ADDRESS_CONNECTS_PER_SEC_MAX',
    { min: 0, max: 1_000_000 },
    {
      doc: 'Connection attempts of one address per second at a worker; 0 = any number.',
      fallback: 100,
    },
  ),
  userConnectionsMax: int(
    'GATEWAY_USER_CONNECTIONS_MAX',
    { min: 0, max: 100_000 },
    {
      doc: 'Connections of one account at a worker; the next is closed with 4004; 0 = any number.',
      fallback: 30,
    },
  ),
  idleTimeoutSec: int(
    'GATEWAY_IDLE_TIMEOUT_SEC',
    { min: 8, max: 960 },
    {
      doc: 'A socket without any frame or pong for this long is closed.',
      fallback: 60,
      unit: 's',
    },
  ),
  historyMax: int(
    'GATEWAY_HISTORY_MAX',
    { min: 50, max: 100_000 },
    {
      doc: 'Messages kept per channel for backlog and resume.',
      fallback: 1_000,
    },
  ),
  historyTtlSec: int(
    'GATEWAY_HISTORY_TTL_SEC',
    { min: 10, max: 2_592_000 },
    {
      doc: 'A channel without messages for this long forgets its history.',
      fallback: 86_400,
      unit: 's',
    },
  ),
  messageLengthMax: int(
    'GATEWAY_MESSAGE_LENGTH_MAX',
    { min: 1, max: 4_000 },
    {
      doc: 'Longest chat text.',
      fallback: 500,
      unit: 'characters',
    },
  ),
  drainMs: int(
    'GATEWAY_DRAIN_MS',
    { min: 0, max: 600_000 },
    {
      doc: 'A leaving worker waits so long for its clients, in addition to STOP_DEADLINE_MS.',
      fallback: 60_000,
      unit: 'ms',
    },
  ),
  drainPerSec: int(
    'GATEWAY_DRAIN_CLIENTS_PER_SEC',
    { min: 1, max: 100_000 },
    {
      doc: 'Clients that a leaving worker sends elsewhere per second, more if time is short.',
      fallback: 300,
    },
  ),
  trustedProxies: list('GATEWAY_TRUSTED_PROXIES', {
    doc: 'Proxies whose PROXY header (v1, v2) and X-Forwarded-For are believed.',
    fallback: [],
    item: CIDR,
  }),
} as const;
