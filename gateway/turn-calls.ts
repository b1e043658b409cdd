// What many connections ask of Redis within one turn of the event loop goes in one script call. A
// script has its keys in one slot, so in a Cluster there is one call for each partition. Each who
// asks gets an answer or the call's error.
import { isCluster, type RedisClient } from '../cluster/index.js';

export interface TurnCallsOptions<Ask, Answer> {
  readonly redis: RedisClient;
  /** The tag of the keys that it touches. */
  readonly tagOf: (ask: Ask) => string;
  /** In one call; more would keep Redis for too long. */
  readonly asksMax: number;
  /** Answers in the order of `asks`. */
  readonly call: (asks: readonly Ask[]) => Promise<readonly Answer[]>;
}

/** Who has asked. By calls, not by a promise: a crowd that arrives asks thousands of times. */
export interface Asker<Answer> {
  answered(answer: Answer): void;
  failed(reason: unknown): void;
}

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly asker: Asker<Answer>;
}

export class TurnCalls<Ask, Answer> {
  private waiting: Waiting<Ask, Answer>[] = [];

  constructor(private readonly options: TurnCallsOptions<Ask, Answer>) {}

  /** `asker` gets the answer or what `call` throws, once. */
  add(ask: Ask, asker: Asker<Answer>): void {
    if (this.waiting.length === 0) queueMicrotask(() => this.callAll());
    this.waiting.push({ ask, asker });
  }

  private callAll(): void {
    const { redis, tagOf, asksMax } = this.options;
    const { waiting } = this;
    this.waiting = [];
    for (const group of groupsOf(waiting, redis, ({ ask }) => tagOf(ask), asksMax)) {
      void this.callGroup(group);
    }
  }

  private async callGroup(group: readonly Waiting<Ask, Answer>[]): Promise<void> {
    let answers: readonly Answer[];
    try {
      answers = await this.options.call(group.map(({ ask }) => ask));
    } catch (thrown) {
      for (const { asker } of group) asker.failed(thrown);
      return;
    }
    group.forEach(({ asker }, at) => {
      const answer = answers[at];
      if (answer === undefined) asker.failed(new Error('a script gave too few answers'));
      else asker.answered(answer);
    });
  }
}

/** Parts of at most `max` that one script call may touch: all, or in a Cluster those of one tag. */
export function groupsOf<T>(
  items: readonly T[],
  redis: RedisClient,
  tagOf: (item: T) => string,
  max: number,
): (readonly T[])[] {
  const groups: (readonly T[])[] = [];
  for (const part of isCluster(redis) ? partsOf(items, tagOf) : [items]) {
    for (let at = 0; at < part.length; at += max) groups.push(part.slice(at, at + max));
  }
  return groups;
}

function partsOf<T>(items: readonly T[], tagOf: (item: T) => string): Iterable<readonly T[]> {
  const parts = new Map<string, T[]>();
  for (const item of items) {
    const tag = tagOf(item);
    const part = parts.get(tag);
    if (part === undefined) parts.set(tag, [item]);
    else part.push(item);
  }
  return parts.values();
}
