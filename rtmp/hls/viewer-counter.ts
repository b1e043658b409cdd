// Counts viewers of each stream: distinct session ids that asked for a playlist within a sliding
// window. Memory is bounded by the viewers of one window.

export class ViewerCounter {
  readonly #streams = new Map<string, Map<string, number>>();

  seen(streamId: string, sid: string, nowMs: number): void {
    const viewers = this.#streams.get(streamId) ?? new Map<string, number>();
    this.#streams.set(streamId, viewers);
    viewers.set(sid, nowMs);
  }

  /** @param windowMs two target durations: a player asks at least that often */
  count(streamId: string, nowMs: number, windowMs: number): number {
    const viewers = this.#streams.get(streamId);
    if (viewers === undefined) return 0;
    for (const [sid, lastMs] of viewers) {
      if (nowMs - lastMs > windowMs) viewers.delete(sid);
    }
    return viewers.size;
  }

  forget(streamId: string): void {
    this.#streams.delete(streamId);
  }
}
