// Every limit of RTMP ingest in one place, with the values that production uses. Those that
// operators change come from the configuration.

import { readFileSync } from 'node:fs';
import type { Config } from '../cluster/index.js';
import type { AddressRuleOptions } from './address-rules.js';
import type { GopLimits } from './gop-cache.js';
import type { PublishPolicy } from './streams.js';

export interface IngestOptions {
  readonly host: string;
  readonly port: number;
  readonly nodeId: string;
  readonly publishApp: string;
  readonly playApp: string;
  readonly publishPolicy: PublishPolicy;
  /** Publishes of one key or stream that may begin within a minute; 0 = no limit. */
  readonly flapsMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly tls: TlsOptions | undefined;
  /** Networks whose connections begin with a PROXY header. */
  readonly proxies: readonly string[];
  readonly publishAddresses: AddressRuleOptions;
  readonly playAddresses: AddressRuleOptions;
  /** Bit rates are measured over this; the limit must be exceeded in two windows in a row. */
  readonly rateWindowMs: number;
  /** 0 = no limit. */
  readonly bitrateMaxBps: number;
  /** 0 = no limit. */
  readonly durationMaxMs: number;
  /** From accept to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** From the handshake to publish or play. */
  readonly commandTimeoutMs: number;
  /** A publisher without audio or video for this long is dropped, also when none ever came. */
  readonly idleTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** A peer that sends nothing at all for this long after a ping is gone. */
  readonly pingTimeoutMs: number;
  /** What a peer may send before a hook has accepted it, handshake included, bytes. */
  readonly unauthorisedBytesMax: number;
  readonly messageBytesMax: number;
  /** Control messages that a peer lets pile up, bytes. */
  readonly controlQueueBytesMax: number;
  readonly gopLimits: GopLimits;
  /** Beyond this a player is dropped to the next key frame, bytes. */
  readonly playerQueueBytesMax: number;
  /** A player that stays behind for this long is closed. */
  readonly playerStallMs: number;
  readonly playerGraceMs: number;
  readonly hookTimeoutMs: number;
  readonly updateIntervalMs: number;
  readonly updateFailuresMax: number;
  /** Waited for done events at the end of the process. */
  readonly doneFlushMs: number;
  readonly hasConnectHook: boolean;
}

/** RTMPS: a second listener. */
export interface TlsOptions {
  readonly port: number;
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export const INGEST_DEFAULTS: Omit<IngestOptions, 'port' | 'nodeId'> = {
  host: '0.0.0.0',
  publishApp: 'publish',
  playApp: 'play',
  publishPolicy: 'replace',
  flapsMax: 0,
  connectionsMax: 5_000,
  connectionsPerAddressMax: 1_000,
  tls: undefined,
  proxies: [],
  publishAddresses: { allow: [], deny: [] },
  playAddresses: { allow: [], deny: [] },
  rateWindowMs: 5_000,
  bitrateMaxBps: 0,
  durationMaxMs: 0,
  handshakeTimeoutMs: 5_000,
  commandTimeoutMs: 10_000,
  idleTimeoutMs: 15_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 30_000,
  unauthorisedBytesMax: 65_536,
  messageBytesMax: 8 << 20,
  controlQueueBytesMax: 65_536,
  gopLimits: { bytesMax: 8 << 20, framesMax: 2_000, spanMsMax: 20_000 },
  playerQueueBytesMax: 1 << 20,
  playerStallMs: 15_000,
  playerGraceMs: 5_000,
  hookTimeoutMs: 3_000,
  updateIntervalMs: 30_000,
  updateFailuresMax: 20,
  doneFlushMs: 500,
  hasConnectHook: false,
};

/**
 * The options that a process runs with. Reads the certificate of RTMPS.
 * @throws when a certificate file cannot be read
 */
export function ingestOptions(config: Config): IngestOptions {
  const { node, rtmp } = config;
  return {
    ...INGEST_DEFAULTS,
    host: node.bindHost,
    nodeId: node.id,
    port: rtmp.port,
    publishPolicy: rtmp.publishPolicy,
    flapsMax: rtmp.flapsMax,
    connectionsMax: rtmp.connectionsMax,
    connectionsPerAddressMax: rtmp.connectionsPerAddressMax,
    tls: tlsOptions(config),
    proxies: rtmp.proxies,
    publishAddresses: { allow: rtmp.publishAllow, deny: rtmp.publishDeny },
    playAddresses: { allow: rtmp.playAllow, deny: rtmp.playDeny },
    bitrateMaxBps: rtmp.bitrateMaxBps,
    durationMaxMs: rtmp.durationMaxMs,
    idleTimeoutMs: rtmp.idleTimeoutMs,
    updateIntervalMs: rtmp.updateIntervalMs,
  };
}

function tlsOptions({ rtmp }: Config): TlsOptions | undefined {
  if (rtmp.tlsPort === 0) return undefined;
  return {
    port: rtmp.tlsPort,
    cert: readFileSync(rtmp.tlsCertFile, 'utf8'),
    key: readFileSync(rtmp.tlsKeyFile, 'utf8'),
  };
}
