// Asks all ingest nodes through the bus: a question goes out, every node answers, the asker adds
// up. Used by FleetControl, which is also what answers, and by other roles (web) to give orders.
import { randomUUID } from 'node:crypto';
import type { Bus } from '../../cluster/index.js';
import type { RecordOrder } from '../recording/recordings.js';
import type { Selection } from './selection.js';
import type { NodeStatistics } from './statistics.js';

export type ControlOrder =
  | { readonly kind: 'statistics' }
  | { readonly kind: 'drop'; readonly selection: Selection; readonly reason: string }
  | { readonly kind: 'redirect'; readonly selection: Selection; readonly newName: string }
  | { readonly kind: 'record'; readonly action: 'start' | 'stop'; readonly record: RecordOrder }
  | { readonly kind: 'remove-recording'; readonly streamId: string; readonly id: string };

/** One node's answer. */
export interface ControlAnswer {
  readonly nodeId: string;
  /** What was done: sessions, recorders or recordings. */
  readonly count: number;
  readonly paths?: readonly string[];
  readonly statistics?: NodeStatistics;
}

export interface Question {
  readonly id: string;
  readonly replyTo: string;
  readonly order: ControlOrder;
}

export interface FleetClientOptions {
  readonly bus: Bus;
  /** Of the process that asks; unique in the fleet. */
  readonly nodeId: string;
  /** Ids of the ingest nodes that are alive. */
  readonly nodeIds: () => readonly string[];
  /** How long answers are waited for, ms. */
  readonly timeoutMs: number;
}

export const ORDERS_TOPIC = 'rtmp.control';

export class FleetClient {
  readonly #options: FleetClientOptions;
  readonly #replyTopic: string;
  readonly #waiting = new Map<string, (answer: ControlAnswer) => void>();

  constructor(options: FleetClientOptions) {
    this.#options = options;
    this.#replyTopic = `rtmp.control.reply.${options.nodeId}`;
  }

  async start(): Promise<void> {
    await this.#options.bus.subscribe(this.#replyTopic, (payload) => {
      const { id, answer } = JSON.parse(payload.toString()) as {
        id: string;
        answer: ControlAnswer;
      };
      this.#waiting.get(id)?.(answer);
    });
  }

  /** Ends the sessions that are meant, in the whole fleet; resolves to their number. */
  async drop(selection: Selection, reason: string): Promise<number> {
    return sum(await this.ask({ kind: 'drop', selection, reason }));
  }

  /**
   * Moves players to another live stream of their node, a publisher to an id that nobody publishes
   * under; resolves to the number of moved sessions.
   */
  async redirect(selection: Selection, newName: string): Promise<number> {
    return sum(await this.ask({ kind: 'redirect', selection, newName }));
  }

  /**
   * Starts or stops a recorder wherever the stream is live. Resolves to the paths of the files on
   * their nodes, '' for one that waits for its first key frame; empty when nothing was done.
   */
  async record(action: 'start' | 'stop', record: RecordOrder): Promise<readonly string[]> {
    const answers = await this.ask({ kind: 'record', action, record });
    return answers.flatMap((answer) => answer.paths ?? []);
  }

  /** Resolves to the number of recordings that were removed: 1 or 0. */
  async removeRecording(streamId: string, id: string): Promise<number> {
    return sum(await this.ask({ kind: 'remove-recording', streamId, id }));
  }

  /** What every node says about itself; nodes that did not answer in time are absent. */
  async statistics(): Promise<NodeStatistics[]> {
    const answers = await this.ask({ kind: 'statistics' });
    return answers.flatMap((answer) => answer.statistics ?? []);
  }

  protected async ask(order: ControlOrder): Promise<ControlAnswer[]> {
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
}

/** A started client for a role that is no ingest node. Its subscription ends with the bus. */
export async function createRtmpControl(options: FleetClientOptions): Promise<FleetClient> {
  const client = new FleetClient(options);
  await client.start();
  return client;
}

function sum(answers: readonly ControlAnswer[]): number {
  return answers.reduce((total, answer) => total + answer.count, 0);
}
