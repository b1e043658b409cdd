// The open sessions of the benchmark, walked in passes: each pass touches every session once,
// UPDATE_MS after the pass before. Modes that alternate share the walk, so every session proves its
// life on time.

export interface Member {
  readonly sessionId: string;
  readonly wallet: string;
  readonly openedMs: number;
}

export interface Batch {
  readonly shard: number;
  readonly members: readonly Member[];
  readonly pass: number;
}

export class Population {
  /** Touches so far, by wallet. */
  readonly touches = new Map<string, number>();
  private shardAt = 0;
  private memberAt = 0;
  private passes = 0;

  constructor(readonly shards: readonly (readonly Member[])[]) {}

  /** The one that the next batch belongs to. */
  get pass(): number {
    return this.passes;
  }

  get size(): number {
    return this.shards.reduce((sum, members) => sum + members.length, 0);
  }

  /**
   * Up to `limit` sessions of one shard. Shards take turns, so that no two batches in a row meet.
   */
  next(limit: number): Batch {
    for (;;) {
      const members = this.shards[this.shardAt] ?? [];
      const part = members.slice(this.memberAt, this.memberAt + limit);
      const batch = { shard: this.shardAt, members: part, pass: this.passes };
      this.memberAt += limit;
      if (this.memberAt >= members.length) this.turn();
      if (part.length > 0) return batch;
    }
  }

  /** Called when a batch was charged. */
  touched({ members }: Batch): void {
    for (const { wallet } of members) this.touches.set(wallet, (this.touches.get(wallet) ?? 0) + 1);
  }

  private turn(): void {
    this.memberAt = 0;
    this.shardAt += 1;
    if (this.shardAt < this.shards.length) return;
    this.shardAt = 0;
    this.passes += 1;
  }
}
