// A peer as a server under test: its own process, which publishes by its own timer.
import { startNodeChild } from '../lib/node-child.js';
import { serverFlags, type Run } from '../lib/run-context.js';
import type { DialectSetup } from '../generator/dialects.js';
import type { PeerCalls } from '../peers/peer-server.js';
import { PAYLOAD_BYTES, TICK_MS, type BroadcastServer } from './broadcast-server.js';

interface PeerProgram {
  /** In bench/peers/. */
  readonly file: string;
  readonly args: readonly string[];
  readonly setup: DialectSetup;
}

interface PeerOptions {
  readonly payloadBytes?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const plain = { kind: 'plain' } as const;

/** The first is the ceiling. */
export const PEERS: Readonly<Record<string, PeerProgram>> = {
  'raw-uws': { file: 'raw-uws.ts', args: [], setup: plain },
  ws: { file: 'ws.ts', args: [], setup: plain },
  'socket.io-uws': { file: 'socket-io.ts', args: ['--uws'], setup: { kind: 'socket.io' } },
  'socket.io-ws': { file: 'socket-io.ts', args: [], setup: { kind: 'socket.io' } },
  sockjs: { file: 'sockjs.ts', args: [], setup: { kind: 'sockjs' } },
};

/**
 * Raw uWebSockets that takes one message of `helloBytes` and answers with `replyBytes`: what no
 * gateway on it can connect below.
 */
export function startFloor(
  run: Run,
  { helloBytes, replyBytes }: { readonly helloBytes: number; readonly replyBytes: number },
): Promise<BroadcastServer> {
  const setup = { kind: 'floor', helloBytes } as const;
  return startProgram(run, 'floor', { file: 'raw-join.ts', args: [String(replyBytes)], setup });
}

export async function startPeer(
  run: Run,
  peer: string,
  options: PeerOptions = {},
): Promise<BroadcastServer> {
  const program = PEERS[peer];
  if (program === undefined) throw new Error(`no peer ${peer}`);
  return startProgram(run, peer, program, options);
}

async function startProgram(
  run: Run,
  peer: string,
  { file, args, setup }: PeerProgram,
  options: PeerOptions = {},
): Promise<BroadcastServer> {
  const child = startNodeChild<PeerCalls>(run.scope, {
    entry: run.tree.entry(`bench/peers/${file}`),
    args: [...args, ...(options.args ?? [])],
    execArgv: serverFlags(run, peer),
    env: { ...options.env, NODE_ENV: 'production' },
  });
  const { port, name, version } = await child.call('listen', {
    payloadBytes: options.payloadBytes ?? PAYLOAD_BYTES,
  });
  return {
    ...{ name, version, port, setup, pid: child.pid },
    async start(perTick, ticks) {
      await child.call('start', { perTick, tickMs: TICK_MS, ticks });
    },
    grant: (ticks) => void child.call('grant', { ticks }),
    halt: () => child.call('halt', null),
    stop: () => child.stop(),
  };
}
