// The recordings of this node: an entry beside each file, a row in the realtime Redis for the
// fleet. The disk is the authority; Redis is written again at each start.
// Invariant: an entry is on disk before its file gets media, and goes after its files went.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { coerceError, type Logger } from '../../cluster/index.js';
import type { RecordingRow, RecordingRows } from './recording-directory.js';
import type { RecordingEntry } from './recording.js';

export interface CatalogOptions {
  readonly dir: string;
  readonly nodeId: string;
  /** Where this node serves. */
  readonly urlBase: string;
  readonly rows: RecordingRows;
  readonly log: Logger;
}

const ENTRY_FOLDER = '.entries';

export class Catalog {
  readonly root: string;
  readonly #options: CatalogOptions;
  readonly #entries = new Map<string, RecordingEntry>();
  /** Writes of one entry must not overtake each other. */
  #writes: Promise<void> = Promise.resolve();

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.root = resolve(options.dir);
  }

  /** Reads what is on disk and tells Redis. @throws when the directory cannot be used */
  async load(): Promise<void> {
    const folder = join(this.root, ENTRY_FOLDER);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.json')) continue;
      const text = await readFile(join(folder, name), 'utf8');
      const entry = parseEntry(text);
      if (entry === undefined) this.#options.log.warn({ event: 'recording.entry_broken', name });
      else this.#entries.set(entry.id, entry);
    }
    const { rows, nodeId, log } = this.#options;
    await rows
      .replace(
        nodeId,
        this.list().map((one) => this.#row(one)),
      )
      .catch((thrown: unknown) => {
        log.warn({ event: 'recording.untold', err: coerceError(thrown) });
      });
  }

  /** Oldest first. */
  list(): readonly RecordingEntry[] {
    return [...this.#entries.values()].sort((a, b) => a.startedAtMs - b.startedAtMs);
  }

  find(streamId: string, id: string): RecordingEntry | undefined {
    const entry = this.#entries.get(id);
    return entry?.streamId === streamId ? entry : undefined;
  }

  byPath(path: string): RecordingEntry | undefined {
    return [...this.#entries.values()].find((one) => one.path === path);
  }

  fileOf({ path }: Pick<RecordingEntry, 'path'>, extension: 'flv' | 'mp4'): string {
    return `${join(this.root, path)}.${extension}`;
  }

  /** Never rejects: an entry that cannot be written is logged, its file stays. */
  save(entry: RecordingEntry): Promise<void> {
    this.#entries.set(entry.id, entry);
    return this.#enqueue('save', async () => {
      const file = this.#entryFile(entry.id);
      await writeFile(`${file}.part`, JSON.stringify(entry));
      await rename(`${file}.part`, file);
      await this.#options.rows.put(this.#row(entry));
    });
  }

  /** Files first, so that no file is left without an entry. Never rejects. */
  remove(entry: RecordingEntry): Promise<void> {
    this.#entries.delete(entry.id);
    return this.#enqueue('remove', async () => {
      await rm(this.fileOf(entry, 'mp4'), { force: true });
      await rm(this.fileOf(entry, 'flv'), { force: true });
      await rm(this.#entryFile(entry.id), { force: true });
      await this.#options.rows.drop(this.#options.nodeId, entry);
    });
  }

  /** Resolves when everything so far is written. */
  flush(): Promise<void> {
    return this.#writes;
  }

  #entryFile(id: string): string {
    return join(this.root, ENTRY_FOLDER, `${id}.json`);
  }

  #enqueue(what: string, step: () => Promise<void>): Promise<void> {
    this.#writes = this.#writes.then(step).catch((thrown: unknown) => {
      const err = coerceError(thrown);
      this.#options.log.error({ event: 'recording.catalog_failed', step: what, err });
    });
    return this.#writes;
  }

  #row(entry: RecordingEntry): RecordingRow {
    const { id, streamId, startedAtMs, durationMs, kind, recorder, state, path } = entry;
    const { nodeId, urlBase } = this.#options;
    return {
      ...{ id, streamId, nodeId, urlBase, startedAtMs, durationMs, kind, recorder, state, path },
      bytes: state === 'ready' ? entry.mp4Bytes : entry.bytes,
      ...(entry.end === undefined ? {} : { end: entry.end }),
    };
  }
}

function parseEntry(text: string): RecordingEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<RecordingEntry>;
    const isWhole = typeof entry.id === 'string' && typeof entry.path === 'string';
    return isWhole ? (entry as RecordingEntry) : undefined;
  } catch {
    return undefined;
  }
}
