// HLS viewers that follow a live playlist as a player does: they begin the advised distance behind
// the live edge, fetch each segment or part when it is listed, and play in real time. What they do
// not have when it is due is a stall, and they stay that much later. Nothing is decoded.
import { Agent, get } from 'node:http';
import { serveParent } from '../lib/node-child.js';

export interface HlsFigures {
  /** From the end of a picture's segment or part to its listing, ms, per unit and viewer. */
  readonly listedMs: readonly number[];
  /** How far behind the capture each viewer plays at the end, ms. */
  readonly delayMs: readonly number[];
  readonly watchedMs: number;
  readonly stalledMs: number;
  readonly requests: number;
  readonly bytes: number;
  readonly failures: number;
}

export interface HlsViewerCalls {
  readonly open: { readonly args: { readonly urls: readonly string[] }; readonly reply: null };
  readonly close: { readonly args: null; readonly reply: HlsFigures };
}

/** A segment or a part. */
interface Unit {
  readonly uri: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isIndependent: boolean;
}

interface Listing {
  readonly units: readonly Unit[];
  /** How far behind the edge players should begin, ms. */
  readonly holdBackMs: number;
  readonly targetMs: number;
  /** Query of the next blocking reload; undefined when the server offers none. */
  readonly next: string | undefined;
}

const HELD_BACK_TARGETS = 3;
const ROUNDING_MS = 20;
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const totals = { requests: 0, bytes: 0, failures: 0 };
let viewers: Viewer[] = [];

function fetchBytes(url: string): Promise<Buffer | undefined> {
  totals.requests += 1;
  return new Promise((resolve) => {
    const failed = (): void => {
      totals.failures += 1;
      resolve(undefined);
    };
    const request = get(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (bytes: Buffer) => {
        totals.bytes += bytes.length;
        chunks.push(bytes);
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else failed();
      });
      response.on('error', failed);
    });
    request.on('error', failed);
  });
}

/** Segments without parts as units, and the parts of those that have some. */
export function readListing(text: string): Listing {
  const targetMs = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1] ?? 2) * 1_000;
  const partHoldBack = /PART-HOLD-BACK=([\d.]+)/.exec(text)?.[1];
  const units: Unit[] = [];
  let parts: Unit[] = [];
  let sequence = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0);
  let atMs = 0;
  let partAtMs = 0;
  let durationMs = 0;
  for (const line of text.split('\n')) {
    const [, date] = /^#EXT-X-PROGRAM-DATE-TIME:(.+)$/.exec(line) ?? [];
    if (date !== undefined) atMs = partAtMs = Date.parse(date);
    const [, part, uri = ''] = /^#EXT-X-PART:DURATION=([\d.]+),URI="([^"]+)"/.exec(line) ?? [];
    if (part !== undefined) {
      const endMs = partAtMs + Number(part) * 1_000;
      parts.push({ uri, startMs: partAtMs, endMs, isIndependent: line.includes('INDEPENDENT') });
      partAtMs = endMs;
    }
    const [, seconds] = /^#EXTINF:([\d.]+)/.exec(line) ?? [];
    if (seconds !== undefined) durationMs = Number(seconds) * 1_000;
    if (line === '' || line.startsWith('#')) continue;
    const whole = { uri: line, startMs: atMs, endMs: atMs + durationMs, isIndependent: true };
    units.push(...(parts.length > 0 ? parts : [whole]));
    parts = [];
    sequence += 1;
  }
  units.push(...parts);
  const holdBackMs =
    partHoldBack === undefined ? HELD_BACK_TARGETS * targetMs : Number(partHoldBack) * 1_000;
  const next = `_HLS_msn=${sequence}&_HLS_part=${parts.length}`;
  return { units, holdBackMs, targetMs, next: partHoldBack === undefined ? undefined : next };
}

class Viewer {
  readonly listedMs: number[] = [];
  stalledMs = 0;
  readonly #url: string;
  #isOver = false;
  /** Wall time at which media time zero would have been shown; grows with each stall. */
  #offsetMs: number | undefined;
  #beganAt = 0;
  #bufferedMs = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get delayMs(): number | undefined {
    return this.#offsetMs;
  }

  get watchedMs(): number {
    return this.#offsetMs === undefined ? 0 : Math.max(0, Date.now() - this.#beganAt);
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    let query = '';
    while (!this.#isOver) {
      const askedAt = Date.now();
      const text = await fetchBytes(`${this.#url}${query}`);
      const listing = readListing(text?.toString() ?? '');
      const hasNews = await this.#follow(listing);
      query = listing.next === undefined ? '' : `?${listing.next}`;
      if (listing.next !== undefined && text !== undefined) continue;
      // RFC 8216, section 6.3.4: a target duration after news, half of one otherwise.
      const restMs = askedAt + listing.targetMs * (hasNews ? 1 : 0.5) - Date.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(20, restMs)));
    }
  }

  /** Fetches what is new. @returns whether there was something */
  async #follow({ units, holdBackMs }: Listing): Promise<boolean> {
    const nowMs = Date.now();
    if (this.#offsetMs === undefined) {
      await this.#begin(units, holdBackMs);
      return true;
    }
    // Times of parts are sums of rounded durations.
    const fresh = units.filter((one) => one.startMs >= this.#bufferedMs - ROUNDING_MS);
    for (const unit of fresh) {
      this.listedMs.push(nowMs - unit.endMs);
      if ((await this.#fetch(unit)) === undefined) continue;
      // What was due before this arrived was a stall; all that follows is shown that much later.
      const lateMs = Date.now() - this.#offsetMs - Math.max(this.#bufferedMs, unit.startMs);
      if (lateMs > 0) {
        this.#offsetMs += lateMs;
        this.stalledMs += lateMs;
      }
      this.#bufferedMs = unit.endMs;
    }
    return fresh.length > 0;
  }

  /** Plays from the advised distance once all behind the last cut before it is there. */
  async #begin(units: readonly Unit[], holdBackMs: number): Promise<void> {
    const edge = units.at(-1);
    if (edge === undefined) return;
    const fromMs = edge.endMs - holdBackMs;
    const cut = units.findLastIndex((one) => one.isIndependent && one.startMs <= fromMs);
    for (const unit of units.slice(Math.max(0, cut))) await this.#fetch(unit);
    this.#bufferedMs = edge.endMs;
    this.#beganAt = Date.now();
    this.#offsetMs = this.#beganAt - Math.max(fromMs, units[0]?.startMs ?? 0);
  }

  #fetch({ uri }: Unit): Promise<Buffer | undefined> {
    return fetchBytes(new URL(uri, this.#url).href);
  }
}

serveParent<HlsViewerCalls>({
  open({ urls }) {
    Object.assign(totals, { requests: 0, bytes: 0, failures: 0 });
    viewers = urls.map((url) => new Viewer(url));
    for (const viewer of viewers) void viewer.run();
    return null;
  },
  close() {
    for (const viewer of viewers) viewer.stop();
    const sum = (pick: (one: Viewer) => number): number =>
      viewers.reduce((total, one) => total + pick(one), 0);
    return {
      ...totals,
      listedMs: viewers.flatMap((one) => one.listedMs),
      delayMs: viewers.flatMap((one) => one.delayMs ?? []),
      watchedMs: sum((one) => one.watchedMs),
      stalledMs: sum((one) => one.stalledMs),
    };
  },
});
