// All recording of this node: begins recorders with streams and by order, keeps the catalog, makes
// MP4 files, tells the done hook, mends what a crash left, and clears out. Used by main.ts, the
// control and the HLS server.
// Invariant: a recording that fails never harms its stream; each closed file is told once.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { type Clock, coerceError, type Logger } from '../../cluster/index.js';
import { splitStreamId } from '../language.js';
import type { LiveStream, LiveStreamListener } from '../live-stream.js';
import type { RecordingMetrics } from '../metrics.js';
import type { Catalog } from './catalog.js';
import { type FlvScan, repairFlv } from './flv-scan.js';
import type { Mp4Maker } from './mp4-maker.js';
import type { PathTemplate } from './path-template.js';
import { type OpenTake, Recorder } from './recorder.js';
import type { RecorderSpec, RecordingEnd, RecordingEntry, RecordingKind } from './recording.js';
import { type RetentionRules, surplus } from './retention.js';
import { Take, type TakeLimits } from './take.js';

export interface RecordingsOptions extends RetentionRules {
  readonly nodeId: string;
  readonly recorders: readonly RecorderSpec[];
  readonly template: PathTemplate;
  readonly limits: TakeLimits;
  /** Recording stops while the disk has less than this, bytes. */
  readonly freeMinBytes: number;
  /** A path that exists already is appended to. */
  readonly isAppending: boolean;
  readonly hasMp4: boolean;
  readonly isFlvKept: boolean;
  readonly catalog: Catalog;
  readonly maker: Mp4Maker;
  /** A file was closed: the hook is to be told. */
  readonly onDone: (entry: RecordingEntry, file: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RecordingMetrics;
}

/** One stream's recorder is meant. */
export interface RecordOrder {
  readonly streamId: string;
  /** Absent: the first of the settings, or `manual` where there is none. */
  readonly recorder?: string;
  /** For a recorder that the settings do not name; default `all`. */
  readonly kind?: RecordingKind;
}

interface LiveEntry {
  readonly stream: LiveStream;
  readonly recorders: Map<string, Recorder>;
}

interface NewTake {
  readonly entry: RecordingEntry;
  readonly after: RecordingEntry | undefined;
}

const WATCH_EVERY_MS = 2_000;
const DEFAULT_RECORDER: RecorderSpec = { name: 'manual', kind: 'all', isManual: true };
const RECORDER_NAME = /^[a-z0-9_-]{1,32}$/;

export class Recordings implements LiveStreamListener {
  readonly #options: RecordingsOptions;
  readonly #live = new Map<string, LiveEntry>();
  readonly #closing = new Set<Promise<void>>();
  /** Paths that are being written: a file has one writer. */
  readonly #open = new Map<string, RecordingEntry>();
  #timer: NodeJS.Timeout | undefined;
  #isDiskFull = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  /** Mends what a crash left, takes up MP4s that were not made. @throws when the disk refuses */
  async start(): Promise<void> {
    const { catalog } = this.#options;
    await catalog.load();
    for (const entry of catalog.list()) {
      if (entry.state === 'recording') await this.#recover(entry);
      else if (entry.state === 'waiting') this.#makeMp4(entry);
    }
    await this.#watch();
    this.#timer = setInterval(() => void this.#watch(), WATCH_EVERY_MS);
  }

  /** Closes all files. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const { recorders } of this.#live.values()) {
      for (const recorder of [...recorders.values()]) recorder.stop('stream-ended');
    }
    await Promise.all(this.#closing);
    await this.#options.maker.stop();
    await this.#options.catalog.flush();
  }

  streamStarted(stream: LiveStream): void {
    // A further language is heard with the stream, not by itself.
    if (splitStreamId(stream.streamId).tag !== undefined) return;
    this.#live.set(stream.streamId, { stream, recorders: new Map() });
    for (const spec of this.#options.recorders) if (!spec.isManual) this.#record(stream, spec);
  }

  streamEnded(stream: LiveStream): void {
    const live = this.#live.get(stream.streamId);
    // Its recorders were told by the stream itself.
    if (live?.stream === stream) this.#live.delete(stream.streamId);
  }

  /**
   * Starts a recorder on a live stream of this node.
   * @returns path of its file, '' while it waits for a key frame; undefined when none was started
   */
  begin({ streamId, recorder, kind }: RecordOrder): string | undefined {
    const live = this.#live.get(streamId);
    const spec = this.#specOf(recorder, kind);
    if (live === undefined || spec === undefined || live.recorders.has(spec.name)) return undefined;
    const started = this.#record(live.stream, spec);
    return started === undefined ? undefined : (started.path ?? '');
  }

  /** @returns path of the file that was closed; undefined when that recorder was not running */
  finish({ streamId, recorder }: RecordOrder): string | undefined {
    const spec = this.#specOf(recorder, undefined);
    const running = this.#live.get(streamId)?.recorders.get(spec?.name ?? '');
    if (running === undefined) return undefined;
    const { path = '' } = running;
    running.stop('stopped');
    return path;
  }

  /** @returns false when it is not here or still being recorded */
  async remove(streamId: string, id: string): Promise<boolean> {
    const { catalog, log } = this.#options;
    const entry = catalog.find(streamId, id);
    if (entry === undefined || entry.state === 'recording') return false;
    await catalog.remove(entry);
    log.info({ event: 'recording.removed', id, streamId });
    return true;
  }

  playable(streamId: string, id: string): string | undefined {
    const { catalog } = this.#options;
    const entry = catalog.find(streamId, id);
    return entry === undefined || entry.mp4Bytes === 0 ? undefined : catalog.fileOf(entry, 'mp4');
  }

  #specOf(name: string | undefined, kind: RecordingKind | undefined): RecorderSpec | undefined {
    const { recorders } = this.#options;
    const wanted = name ?? recorders[0]?.name ?? DEFAULT_RECORDER.name;
    const known = recorders.find((one) => one.name === wanted);
    if (known !== undefined) return known;
    if (!RECORDER_NAME.test(wanted)) return undefined;
    return { name: wanted, kind: kind ?? DEFAULT_RECORDER.kind, isManual: true };
  }

  #record(stream: LiveStream, spec: RecorderSpec): Recorder | undefined {
    const recorders = this.#live.get(stream.streamId)?.recorders;
    if (this.#isDiskFull) {
      this.#options.log.warn({ event: 'recording.refused', reason: 'disk-full' });
      return undefined;
    }
    const recorder: Recorder = new Recorder({
      ...{ stream, spec },
      begin: (onFailure) => this.#beginTake(stream, spec, onFailure),
      onOver: () => recorders?.get(spec.name) === recorder && recorders.delete(spec.name),
    });
    recorders?.set(spec.name, recorder);
    recorder.start();
    return recorder;
  }

  #beginTake(
    stream: LiveStream,
    spec: RecorderSpec,
    onFailure: (end: RecordingEnd) => void,
  ): OpenTake | undefined {
    const { catalog, limits, metrics, log } = this.#options;
    const { kind } = spec;
    try {
      const { entry, after } = this.#entryFor(stream, spec);
      const path = catalog.fileOf(entry, 'flv');
      const take = new Take({
        ...{ stream, path, kind, limits, ...(after === undefined ? {} : { after }) },
        onFailure: (end, err) => {
          log.error({ event: 'recording.failed', id: entry.id, reason: end, err });
          onFailure(end);
        },
      });
      this.#open.set(entry.path, entry);
      metrics.open.inc();
      void catalog.save(entry);
      log.info({ event: 'recording.begun', id: entry.id, streamId: stream.streamId, path });
      return {
        path,
        get reached() {
          return take.reached;
        },
        write: (tag) => take.write(tag),
        end: (end) => this.#track(this.#endTake(entry, take, { end, isAppended: !!after })),
      };
    } catch (thrown) {
      log.error({ event: 'recording.failed', reason: 'write-failed', err: coerceError(thrown) });
      return undefined;
    }
  }

  /** A path that nobody has, or one to append to: recordings never replace each other. */
  #entryFor(stream: LiveStream, spec: RecorderSpec): NewTake {
    const { template, clock, catalog } = this.#options;
    const { streamId, sessionId, client } = stream;
    const atMs = clock.nowMs();
    const unique = randomBytes(12).toString('base64url');
    const values = { stream: streamId, recorder: spec.name, atMs, unique };
    const wanted = template.render(values);
    const own = { sessionId, ...(client === undefined ? {} : { client }) };
    const after = this.#appendable(wanted, stream, spec);
    if (after !== undefined) return { entry: { ...after, ...own, state: 'recording' }, after };
    let path = wanted;
    const isTaken = (): boolean => existsSync(catalog.fileOf({ path }, 'flv')) || this.#has(path);
    for (let n = 2; isTaken(); n += 1) path = `${wanted}-${n}`;
    const entry: RecordingEntry = {
      ...{ id: `${atMs.toString(36)}-${unique}`, streamId, path, ...own },
      ...{ recorder: spec.name, kind: spec.kind, startedAtMs: atMs, state: 'recording' },
      ...{ durationMs: 0, bytes: 0, mp4Bytes: 0 },
    };
    return { entry, after: undefined };
  }

  #appendable(
    path: string,
    { streamId }: LiveStream,
    { kind }: RecorderSpec,
  ): RecordingEntry | undefined {
    const entry = this.#options.isAppending ? this.#options.catalog.byPath(path) : undefined;
    const isFree = entry !== undefined && entry.bytes > 0 && !this.#open.has(path);
    return isFree && entry.streamId === streamId && entry.kind === kind ? entry : undefined;
  }

  #has(path: string): boolean {
    return this.#open.has(path) || this.#options.catalog.byPath(path) !== undefined;
  }

  #track(work: Promise<void>): void {
    this.#closing.add(work);
    void work.finally(() => this.#closing.delete(work));
  }

  async #endTake(
    entry: RecordingEntry,
    take: Take,
    { end, isAppended }: { readonly end: RecordingEnd; readonly isAppended: boolean },
  ): Promise<void> {
    const { metrics, catalog, log } = this.#options;
    let found: Pick<FlvScan, 'durationMs' | 'bytes'> | undefined = take;
    try {
      const isWhole = await take.close();
      // What was written before the disk was full is worth keeping.
      if (!isWhole || isAppended) found = await repairFlv(catalog.fileOf(entry, 'flv'));
    } catch (thrown) {
      log.error({ event: 'recording.unmended', id: entry.id, err: coerceError(thrown) });
    }
    metrics.open.dec();
    this.#open.delete(entry.path);
    await this.#close(entry, found, end);
  }

  async #recover(entry: RecordingEntry): Promise<void> {
    const { catalog, log } = this.#options;
    const found = await repairFlv(catalog.fileOf(entry, 'flv')).catch((thrown: unknown) => {
      log.warn({ event: 'recording.unmended', id: entry.id, err: coerceError(thrown) });
      return undefined;
    });
    await this.#close(entry, found, 'recovered');
  }

  /** A file without media leaves no trace; others are told and, where wanted, become MP4. */
  async #close(
    entry: RecordingEntry,
    found: { readonly durationMs: number; readonly bytes: number } | undefined,
    end: RecordingEnd,
  ): Promise<void> {
    const { catalog, hasMp4, metrics, log, onDone } = this.#options;
    metrics.ended.inc({ end });
    if (found === undefined) {
      await catalog.remove(entry);
      return;
    }
    const { durationMs, bytes } = found;
    metrics.writtenBytes.inc(bytes);
    const state = hasMp4 ? ('waiting' as const) : ('flv' as const);
    const closed = { ...entry, durationMs, bytes, end, state };
    log.info({ event: 'recording.ended', id: entry.id, end, durationMs, bytes });
    await catalog.save(closed);
    onDone(closed, catalog.fileOf(closed, 'flv'));
    if (hasMp4) this.#makeMp4(closed);
  }

  #makeMp4(entry: RecordingEntry): void {
    const { catalog, maker, isFlvKept, metrics } = this.#options;
    const source = catalog.fileOf(entry, 'flv');
    maker.push({
      ...{ id: entry.id, source, target: catalog.fileOf(entry, 'mp4') },
      onDone: (made) => {
        metrics.mp4s.inc({ outcome: made === undefined ? 'failed' : 'made' });
        const now = catalog.find(entry.streamId, entry.id);
        // Removed meanwhile: its MP4 goes, too. Appended to: the next MP4 replaces it.
        if (now === undefined) void catalog.remove(entry);
        else if (now.state !== 'waiting') return;
        else if (made === undefined) void catalog.save({ ...entry, state: 'flv' });
        else if (isFlvKept) void catalog.save({ ...entry, mp4Bytes: made, state: 'ready' });
        else {
          void catalog
            .save({ ...entry, bytes: 0, mp4Bytes: made, state: 'ready' })
            .then(() => rm(source, { force: true }));
        }
      },
    });
  }

  /** Room on the disk, and what has to go. Never rejects. */
  async #watch(): Promise<void> {
    const { catalog, freeMinBytes, clock, log } = this.#options;
    try {
      const { bavail, bsize } = await statfs(catalog.root);
      this.#isDiskFull = bavail * bsize < freeMinBytes;
    } catch (thrown) {
      log.warn({ event: 'recording.disk_unknown', err: coerceError(thrown) });
    }
    if (this.#isDiskFull) this.#stopAll('disk-full');
    for (const entry of surplus(catalog.list(), this.#options, clock.nowMs())) {
      log.info({ event: 'recording.expired', id: entry.id, streamId: entry.streamId });
      await catalog.remove(entry);
    }
  }

  #stopAll(end: RecordingEnd): void {
    for (const { recorders, stream } of this.#live.values()) {
      for (const recorder of [...recorders.values()]) {
        this.#options.log.error({ event: 'recording.stopped', reason: end, id: stream.streamId });
        recorder.stop(end);
      }
    }
  }
}
