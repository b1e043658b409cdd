// Control and statistics of all ingest nodes through any one of them: a question goes out on the
// bus, every node answers, the asker adds up. Every node runs one FleetControl. Invariant: an order
// is carried out by each node that hears it, also when its answer is lost.

import { randomUUID } from 'node:crypto';
import { type Bus, coerceError, type Logger } from '../../cluster/index.js';
import type { RtmpServer } from '../server.js';
import type { Selection } from './selection.js';
import type { NodeStatistics } from './statistics.js';

export type ControlOrder =
  | { readonly kind: 'statistics' }
  | { readonly kind: 'drop'; readonly selection: Selection; readonly reason: string }
  | { readonly kind: 'redirect'; readonly selection: Selection; readonly newName: string };

/** One node's answer. */
interface ControlAnswer {
  readonly nodeId: string;
  readonly count: number;
  readonly statistics?: NodeStatistics;
}

interface Question {
  readonly id: string;
  readonly replyTo: string;
  readonly order: ControlOrder;
}

export interface FleetControlOptions {
  readonly bus: Bus;
  readonly server: RtmpServer;
  readonly nodeId: string;
  /** Ids of the ingest nodes that are alive, this one included. */
  readonly nodeIds: () => readonly string[];
  /** How long answers are waited for, ms. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

const ORDERS_TOPIC = 'rtmp.control';

export class FleetControl {
  readonly #options: FleetControlOptions;
  readonly #replyTopic: string;
  readonly #waiting = new Map<string, (answer: ControlAnswer) => void>();

  constructor(options: FleetControlOptions) {
    this.#options = options;
    this.#replyTopic = `rtmp.control.reply.${options.nodeId}`;
  }

  async start(): Promise<void> {
    const { bus } = this.#options;
    await bus.subscribe(this.#replyTopic, (payload) => {
      const { id, answer } = JSON.parse(payload.toString()) as {
        id: string;
        answer: ControlAnswer;
      };
      this.#waiting.get(id)?.(answer);
    });
    await bus.subscribe(ORDERS_TOPIC, (payload) => {
      this.#answer(JSON.parse(payload.toString()) as Question).catch((thrown: unknown) => {
        const { message } = coerceError(thrown);
        this.#options.log.warn({ event: 'rtmp.control.failed', reason: message });
      });
    });
  }

  /** Ends the sessions that are meant, in the whole fleet; resolves to their number. */
  async drop(selection: Selection, reason: string): Promise<number> {
    return sum(await this.#ask({ kind: 'drop', selection, reason }));
  }

  /**
   * Moves players to another live stream of their node, a publisher to an id that nobody publishes
   * under; resolves to the number of moved sessions.
   */
  async redirect(selection: Selection, newName: string): Promise<number> {
    return sum(await this.#ask({ kind: 'redirect', selection, newName }));
  }

  /** What every node says about itself; nodes that did not answer in time are absent. */
  async statistics(): Promise<NodeStatistics[]> {
    const answers = await this.#ask({ kind: 'statistics' });
    return answers.flatMap((answer) => answer.statistics ?? []);
  }

  async #ask(order: ControlOrder): Promise<ControlAnswer[]> {
    const { bus, nodeIds, timeoutMs } = this.#options;
    const id = randomUUID();
    const missing = new Set(nodeIds());
    const answers: ControlAnswer[] = [];
    let onComplete: () => void = () => undefined;
    const complete = new Promise<void>((resolve) => (onComplete = resolve));
    this.#waiting.set(id, (answer) => {
      answers.push(answer);
      missing.delete(answer.nodeId);
      if (missing.size === 0) onComplete();
    });
    const timer = setTimeout(onComplete, timeoutMs);
    try {
      const question: Question = { id, replyTo: this.#replyTopic, order };
      await bus.publish(ORDERS_TOPIC, JSON.stringify(question));
      await complete;
      return answers;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async #answer({ id, replyTo, order }: Question): Promise<void> {
    const { bus, nodeId } = this.#options;
    const answer: ControlAnswer = { nodeId, ...this.#carryOut(order) };
    await bus.publish(replyTo, JSON.stringify({ id, answer }));
  }

  #carryOut(order: ControlOrder): { count: number; statistics?: NodeStatistics } {
    const { server } = this.#options;
    if (order.kind === 'statistics') return { count: 0, statistics: server.statistics() };
    const sessions = server.select(order.selection);
    if (order.kind === 'drop') {
      for (const session of sessions) session.kick(order.reason);
      return { count: sessions.length };
    }
    return { count: sessions.filter((one) => one.redirect(order.newName)).length };
  }
}

function sum(answers: readonly ControlAnswer[]): number {
  return answers.reduce((total, answer) => total + answer.count, 0);
}
