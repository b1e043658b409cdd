// Reads the CSV lines by which ffmpeg's segment muxer announces finished segments:
// `file,start,end`.

export interface FinishedSegment {
  readonly file: string;
  /** Seconds since the start of the run. */
  readonly startSec: number;
  readonly endSec: number;
}

/** Splits the bytes of a pipe into lines; a line may arrive in pieces. */
export class LineReader {
  #rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  push(bytes: Buffer): void {
    const lines = (this.#rest + bytes.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line);
  }
}

/** @returns undefined for a line that is not one */
export function parseSegmentLine(line: string): FinishedSegment | undefined {
  const match = /^(\d+\.ts),(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)\s*$/.exec(line);
  const [, file, start, end] = match ?? [];
  if (file === undefined) return undefined;
  return { file, startSec: Number(start), endSec: Number(end) };
}
