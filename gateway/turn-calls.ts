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

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

export class TurnCalls<Ask, Answer> {
  private waiting: Waiting<Ask, Answer>[] = [];

  constructor(private readonly options: TurnCallsOptions<Ask, Answer>) {}

  /** @throws what `call` throws */
  add(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) queueMicrotask(() => this.callAll());
      this.waiting.push({ ask, resolve, reject });
    });
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
    try {
      const answers = await this.options.call(group.map(({ ask }) => ask));
      group.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer === undefined) reject(new Error('a script gave too few answers'));
        else resolve(answer);
      });
    } catch (thrown) {
      for (const { reject } of group) reject(thrown);
    }
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
