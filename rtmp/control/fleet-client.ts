// Asks all ingest nodes through the bus: a question goes out, every node answers, the asker adds
// up. Used by FleetControl, which is also what answers, and by other roles (web) to give orders.
// Invariant: nothing is called done, or not there, while a node that may know better is silent.
import { randomUUID } from 'node:crypto';
import type { Bus } from '../../cluster/index.js';
import { controlError } from '../errors.js';
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

/** What came back in time. */
export interface Asked {
  readonly answers: readonly ControlAnswer[];
  /** Ids of the nodes that did not answer; they may still carry the order out. */
  readonly silent: readonly string[];
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

  /**
   * Ends the sessions that are meant, in the whole fleet; resolves to their number.
   * @throws CONTROL_UNANSWERED when more of them may be on a node that is silent
   */
  async drop(selection: Selection, reason: string): Promise<number> {
    const asked = await this.ask({ kind: 'drop', selection, reason });
    return doneBy(asked, isOne(selection)).count;
  }

  /**
   * Moves players to another live stream of their node, a publisher to an id that nobody publishes
   * under; resolves to the number of moved sessions.
   * @throws CONTROL_UNANSWERED like `drop`
   */
  async redirect(selection: Selection, newName: string): Promise<number> {
    const asked = await this.ask({ kind: 'redirect', selection, newName });
    return doneBy(asked, isOne(selection)).count;
  }

  /**
   * Starts or stops a recorder wherever the stream is live. Resolves to the paths of the files on
   * their nodes, '' for one that waits for its first key frame; empty when nothing was done.
   * @throws CONTROL_UNANSWERED when nothing was done by those that answered
   */
  async record(action: 'start' | 'stop', record: RecordOrder): Promise<readonly string[]> {
    return doneBy(await this.ask({ kind: 'record', action, record }), true).paths;
  }

  /**
   * Resolves to the number of recordings that were removed: 1 or 0.
   * @throws CONTROL_UNANSWERED when those that answered do not have it
   */
  async removeRecording(streamId: string, id: string): Promise<number> {
    return doneBy(await this.ask({ kind: 'remove-recording', streamId, id }), true).count;
  }

  /** What every node says about itself; nodes that did not answer in time are absent. */
  async statistics(): Promise<NodeStatistics[]> {
    const { answers } = await this.ask({ kind: 'statistics' });
    return answers.flatMap((answer) => answer.statistics ?? []);
  }

  protected async ask(order: ControlOrder): Promise<Asked> {
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
      return { answers, silent: [...missing] };
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

/** Whether at most one session of the fleet is meant. */
function isOne({ section, name, session }: Selection): boolean {
  return session !== undefined || (section === 'publisher' && name !== undefined);
}

/** @param isOnce one node at most has what is meant: once it is done, nobody else is asked */
function doneBy(
  { answers, silent }: Asked,
  isOnce: boolean,
): { readonly count: number; readonly paths: readonly string[] } {
  const count = answers.reduce((total, answer) => total + answer.count, 0);
  if (silent.length > 0 && !(isOnce && count > 0)) {
    throw controlError('CONTROL_UNANSWERED', { nodes: silent.join(', '), count });
  }
  return { count, paths: answers.flatMap((answer) => answer.paths ?? []) };
}
