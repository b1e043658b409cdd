// The last lines that a child wrote to stderr, with secrets masked, for the log and the dashboard.

/** Stream keys, credentials in addresses, and query values that may be tokens. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/sk_[A-Za-z0-9_-]+/g, 'sk_***'],
  [/\/\/[^/@\s]+@/g, '//***@'],
  [/([?&](?:token|key|sig|mac|auth)=)[^&\s]+/gi, '$1***'],
  [/(rtmps?:\/\/[^/\s]+\/[^/\s]+\/)[^\s?]+/g, '$1***'],
];

export class LogRing {
  #lines: string[] = [];

  constructor(private readonly linesMax = 200) {}

  add(line: string): void {
    if (line.trim() === '') return;
    const masked = SECRETS.reduce((text, [pattern, by]) => text.replace(pattern, by), line);
    this.#lines.push(masked.slice(0, 500));
    if (this.#lines.length > this.linesMax) this.#lines.shift();
  }

  /** Newest last. */
  tail(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }
}
