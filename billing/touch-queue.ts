// Gathers proofs of life for some milliseconds and sends them to Redis in one script call per
// shard, all shards in one turn and so in one write. Used by hooks and API alike. Invariant: every
// touch gets its own verdict or the error of its batch.
import type { TouchRow, TouchSource } from './scripts.js';
import { shardOfSession } from './shard.js';
import { BATCH_MAX, type Engine } from './engine.js';

export interface TouchQueueOptions {
  readonly engine: Pick<Engine, 'touch'>;
  /** How long the first touch waits for others; default 10 ms. */
  readonly windowMs?: number;
  /** Sees every row once, before its caller. */
  readonly onRow: (row: TouchRow) => void;
}

interface Waiting {
  readonly sessionId: string;
  readonly source: TouchSource;
  readonly resolve: (row: TouchRow) => void;
  readonly reject: (thrown: unknown) => void;
}

export class TouchQueue {
  private readonly batches = new Map<number, Waiting[]>();
  private readonly pending = new Set<Promise<void>>();
  private isTimed = false;

  constructor(private readonly options: TouchQueueOptions) {}

  /** Verdict `unknown` for text that is no session id. */
  touch(sessionId: string, source: TouchSource): Promise<TouchRow> {
    const shard = shardOfSession(sessionId);
    if (shard === undefined) return Promise.resolve(unknownRow(sessionId));
    return new Promise((resolve, reject) => {
      const batch = this.batches.get(shard) ?? this.newBatch(shard);
      batch.push({ sessionId, source, resolve, reject });
      if (batch.length >= BATCH_MAX) this.send(shard, batch);
    });
  }

  /** Resolves when all that was asked is answered. */
  async flush(): Promise<void> {
    this.sendAll();
    await Promise.all(this.pending);
  }

  private newBatch(shard: number): Waiting[] {
    const batch: Waiting[] = [];
    this.batches.set(shard, batch);
    if (!this.isTimed) {
      this.isTimed = true;
      setTimeout(() => this.sendAll(), this.options.windowMs ?? 10);
    }
    return batch;
  }

  private sendAll(): void {
    this.isTimed = false;
    for (const [shard, batch] of this.batches) this.send(shard, batch);
  }

  private send(shard: number, batch: Waiting[]): void {
    this.batches.delete(shard);
    const work = this.run(shard, batch);
    this.pending.add(work);
    void work.finally(() => this.pending.delete(work));
  }

  private async run(shard: number, batch: readonly Waiting[]): Promise<void> {
    const { engine, onRow } = this.options;
    try {
      const items = batch.map(({ sessionId, source }) => [sessionId, source] as const);
      const rows = await engine.touch(shard, items);
      batch.forEach(({ sessionId, resolve }, at) => {
        const row = rows[at] ?? unknownRow(sessionId);
        onRow(row);
        resolve(row);
      });
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown);
    }
  }
}

function unknownRow(sessionId: string): TouchRow {
  return {
    ...{ sessionId, verdict: 'unknown', leftMs: -1, wallet: '', room: '', crossed: 0, overMs: 0 },
    ...{ owned: 0n, held: 0n, version: 0 },
  };
}
