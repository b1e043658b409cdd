// One kind of server in the fan-out: started once with its own group of readers, then asked for
// bursts. A burst is paced by its readers: a tick goes out every 10 ms unless WINDOW ticks are
// still on their way.
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicros } from '../../lib/process-cpu.js';
import { startNodeChild, type NodeChild } from '../../lib/node-child.js';
import type { Run } from '../../lib/run-context.js';
import { isProgress, type GeneratorCalls, type Totals } from '../../generator/calls.js';
import { type BroadcastServer } from '../../servers/broadcast-server.js';

export interface Burst {
  /** Server CPU per delivered message, µs. */
  readonly microsPerDelivery: number;
  /** CPU of the server's store per message, µs; 0 without one. */
  readonly storeMicrosPerMessage: number;
  readonly messages: number;
  readonly deliveries: number;
  /** Frames per message at one reader: below 1 means that messages were joined. */
  readonly framesPerMessage: number;
  readonly ticksPerSec: number;
  /** Share of one core. */
  readonly serverLoad: number;
  readonly generatorLoad: number;
}

/** Ticks on their way at any time: enough to keep all busy, too few to fill a socket buffer. */
const WINDOW = 6;
const BEACON_ARRIVES_MS = 50;
const MARKS_MAX = 10;
const SETTLE_MS = 20_000;

export class Contender {
  readonly name: string;
  readonly version: string;
  private perTick = 0;
  private granted = 0;

  private constructor(
    private readonly server: BroadcastServer,
    private readonly generator: NodeChild<GeneratorCalls>,
    private readonly subscribers: number,
  ) {
    this.name = server.name;
    this.version = server.version;
    generator.onEvent((event) => {
      if (isProgress(event)) this.follow(event.bytes, event.witnessBytes, event.messages);
    });
  }

  /** Connects all readers. @throws Error when one is refused */
  static async open(run: Run, server: BroadcastServer, subscribers: number): Promise<Contender> {
    const generator = startNodeChild<GeneratorCalls>(run.scope, {
      entry: run.tree.entry('bench/generator/main.ts'),
      execArgv: ['--max-semi-space-size=64'],
    });
    const { port, setup, otherNodes = [] } = server;
    await generator.call('open', {
      ...{ host: '127.0.0.1', port, setup, count: subscribers, inFlight: 64 },
      morePorts: otherNodes.map((node) => node.port),
    });
    return new Contender(server, generator, subscribers);
  }

  /**
   * Sends for about `ms`, waits until everything has arrived. @throws Error when something is
   * missing
   */
  async burst(perTick: number, ms: number): Promise<Burst> {
    const { server, subscribers } = this;
    await this.mark();
    this.perTick = perTick;
    this.granted = WINDOW;
    const started = performance.now();
    const storePid = server.storePid ?? server.pid;
    const cpuBefore = this.serverMicros();
    const storeBefore = cpuMicros(storePid);
    await server.start(perTick, WINDOW);
    await delay(ms);
    const { ticks, messages } = await server.halt();
    this.perTick = 0;
    const totals = await this.settled(messages);
    const micros = this.serverMicros() - cpuBefore;
    const wallMs = performance.now() - started;
    const deliveries = messages * subscribers;
    const storeMicros = server.storePid === undefined ? 0 : cpuMicros(storePid) - storeBefore;
    return {
      storeMicrosPerMessage: storeMicros / messages,
      microsPerDelivery: micros / deliveries,
      messages,
      deliveries,
      framesPerMessage: totals.witnessFrames / messages,
      ticksPerSec: (ticks / wallMs) * 1_000,
      serverLoad: micros / 1_000 / wallMs,
      generatorLoad: totals.cpuMicros / 1_000 / wallMs,
    };
  }

  /**
   * A beacon that arrives while counters are set to zero would count for some of the readers only.
   */
  private async mark(): Promise<void> {
    const { generator } = this;
    for (let left = MARKS_MAX; left > 0; left -= 1) {
      await generator.call('mark', null);
      await delay(BEACON_ARRIVES_MS);
      const { behind } = await generator.call('totals', null);
      if (behind === 0) return;
    }
    throw new Error('readers do not become quiet');
  }

  /** Of all nodes. */
  private serverMicros(): number {
    const { pid, otherNodes = [] } = this.server;
    return otherNodes.reduce((sum, node) => sum + cpuMicros(node.pid), cpuMicros(pid));
  }

  async close(): Promise<void> {
    await this.generator.stop();
  }

  /** Grants ticks as the readers, on average, have received earlier ones. */
  private follow(bytes: number, witnessBytes: number, messages: number): void {
    if (this.perTick === 0 || witnessBytes === 0) return;
    const delivered = (bytes / (witnessBytes * this.subscribers)) * messages;
    const target = Math.floor(delivered / this.perTick) + WINDOW;
    if (target - this.granted < WINDOW / 2) return;
    this.server.grant(target - this.granted);
    this.granted = target;
  }

  private async settled(messages: number): Promise<Totals> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const totals = await this.generator.call('totals', null);
      const isWhole = totals.messages === messages && totals.behind === 0;
      if (isWhole && totals.lost === 0 && totals.faults.length === 0) return totals;
      if (performance.now() > deadline || totals.lost > 0 || totals.messages > messages) {
        throw new Error(`${this.name}: ${JSON.stringify({ sent: messages, ...totals })}`);
      }
      await delay(2);
    }
  }
}
