// Control and statistics of all ingest nodes through any one of them. Every node runs one
// FleetControl, which asks like any FleetClient and answers for its node. Invariant: an order is
// carried out by each node that hears it, also when its answer is lost.

import { type Bus, coerceError, type Logger } from '../../cluster/index.js';
import type { RecordOrder } from '../recording/recordings.js';
import type { RtmpServer } from '../server.js';
import {
  type ControlAnswer,
  type ControlOrder,
  FleetClient,
  type FleetClientOptions,
  ORDERS_TOPIC,
  type Question,
} from './fleet-client.js';

/** What the control needs of the recordings of its node. */
export interface RecordingControl {
  /** Path of the file, '' while it waits; undefined when nothing was done. */
  begin(order: RecordOrder): string | undefined;
  finish(order: RecordOrder): string | undefined;
  remove(streamId: string, id: string): Promise<boolean>;
}

export interface FleetControlOptions extends FleetClientOptions {
  readonly bus: Bus;
  readonly server: RtmpServer;
  /** Default: nothing is recorded here. */
  readonly recordings?: RecordingControl;
  readonly log: Logger;
}

export class FleetControl extends FleetClient {
  readonly #options: FleetControlOptions;

  constructor(options: FleetControlOptions) {
    super(options);
    this.#options = options;
  }

  override async start(): Promise<void> {
    await super.start();
    await this.#options.bus.subscribe(ORDERS_TOPIC, (payload) => {
      this.#answer(JSON.parse(payload.toString()) as Question).catch((thrown: unknown) => {
        const { message } = coerceError(thrown);
        this.#options.log.warn({ event: 'rtmp.control.failed', reason: message });
      });
    });
  }

  async #answer({ id, replyTo, order }: Question): Promise<void> {
    const { bus, nodeId } = this.#options;
    const answer: ControlAnswer = { nodeId, ...(await this.#carryOut(order)) };
    await bus.publish(replyTo, JSON.stringify({ id, answer }));
  }

  async #carryOut(order: ControlOrder): Promise<Omit<ControlAnswer, 'nodeId'>> {
    const { server, recordings } = this.#options;
    switch (order.kind) {
      case 'statistics':
        return { count: 0, statistics: server.statistics() };
      case 'record': {
        const { action, record } = order;
        const path = action === 'start' ? recordings?.begin(record) : recordings?.finish(record);
        return path === undefined ? { count: 0 } : { count: 1, paths: [path] };
      }
      case 'remove-recording':
        return { count: (await recordings?.remove(order.streamId, order.id)) === true ? 1 : 0 };
      case 'drop': {
        const sessions = server.select(order.selection);
        for (const session of sessions) session.kick(order.reason);
        return { count: sessions.length };
      }
      case 'redirect': {
        const sessions = server.select(order.selection);
        return { count: sessions.filter((one) => one.redirect(order.newName)).length };
      }
      default:
        // A newer node asks for something that this one does not know.
        return { count: 0 };
    }
  }
}
