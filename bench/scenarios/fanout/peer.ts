// A peer as a server of the fan-out: its own process, which publishes by its own timer.
import { startNodeChild } from '../../lib/node-child.js';
import { serverFlags, type Run } from '../../lib/run-context.js';
import type { DialectSetup } from '../../generator/dialects.js';
import type { PeerCalls } from '../../peers/peer-server.js';
import { TICK_MS, type FanoutServer } from './contender.js';

export const PAYLOAD_BYTES = 100;

/** Peers by the name of their file in bench/peers/. */
export const PEERS: Readonly<Record<string, DialectSetup>> = {
  'raw-uws': { kind: 'plain' },
  ws: { kind: 'plain' },
};

export async function startPeer(run: Run, file: string): Promise<FanoutServer> {
  const setup = PEERS[file];
  if (setup === undefined) throw new Error(`no peer ${file}`);
  const child = startNodeChild<PeerCalls>(run.scope, {
    entry: run.tree.entry(`bench/peers/${file}.ts`),
    execArgv: serverFlags(run, file),
    env: { NODE_ENV: 'production' },
  });
  const { port, name, version } = await child.call('listen', { payloadBytes: PAYLOAD_BYTES });
  return {
    ...{ name, version, port, setup, pid: child.pid },
    async start(perTick, ticks) {
      await child.call('start', { perTick, tickMs: TICK_MS, ticks });
    },
    grant: (ticks) => void child.call('grant', { ticks }),
    halt: () => child.call('halt', null),
  };
}
