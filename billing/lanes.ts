// How many pieces of work go on at the same time, when that number changes. Used by the settler,
// whose transactions leave the machine to hooks while these wait.

export class Lanes {
  private inside = 0;
  private line: (() => void)[] = [];

  /** @param width how many may be under way just now, at least 1; asked at each entry */
  constructor(private readonly width: () => number) {}

  /** Runs `work` when there is a lane; who is under way is never stopped. */
  async through<T>(work: () => Promise<T>): Promise<T> {
    while (this.inside >= this.width()) {
      await new Promise<void>((resolve) => {
        this.line.push(resolve);
      });
    }
    this.inside += 1;
    try {
      return await work();
    } finally {
      this.inside -= 1;
      const { line } = this;
      this.line = [];
      for (const resume of line) resume();
    }
  }
}
