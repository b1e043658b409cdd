// The files of this node: `<mediaDir>/<stream>/<run>/<rendition>/<n>.ts`. Makes folders, removes
// what is no longer needed, and keeps a second process from using the same directory.
// Invariant: a path is only built from names that have been checked; nothing outside of the
// directory is touched.
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, type Logger } from '../../cluster/index.js';
import { DirectoryLock } from '../directory-lock.js';
import { fileKey, type Segment } from './timeline.js';

/** Stream ids, run names, rendition names and file names; no dot at the start. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,80}$/;
const TS_PACKET_BYTES = 188;
/** A few blocks: with less, the newest file may lack its end. */
const FREE_BYTES_MIN = 16 * 1_024;
const PICTURE_FOLDER = 'picture';

export class MediaFiles {
  readonly root: string;
  readonly #log: Logger;
  readonly #lock: DirectoryLock;

  constructor(mediaDir: string, log: Logger) {
    this.#lock = new DirectoryLock(mediaDir, 'MEDIA_DIR');
    this.root = this.#lock.root;
    this.#log = log;
  }

  /** Absolute path below the root. A name that is none is a bug of the caller. */
  path(...names: readonly string[]): string {
    for (const name of names) assert(NAME.test(name), `not a file name: ${name}`);
    return join(this.root, ...names);
  }

  /** Takes the directory. @throws Error that names MEDIA_DIR when a living process has it */
  lock(): Promise<void> {
    return this.#lock.lock();
  }

  unlock(): Promise<void> {
    return this.#lock.unlock();
  }

  /**
   * Synchronous, so that a run starts before the next tag of its source comes; two small system
   * calls.
   */
  makeFolders(streamId: string, run: string, renditions: readonly string[]): readonly string[] {
    return renditions.map((name) => {
      const folder = this.path(streamId, run, name);
      mkdirSync(folder, { recursive: true });
      return folder;
    });
  }

  /** Size of a finished file, bytes; 0 when it is not there. Synchronous: it is in the cache. */
  sizeOf(path: string): number {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /**
   * Size of a segment that is whole, bytes; 0 when it is missing or torn. A muxer on a full disk
   * loses the end of a file and names it all the same.
   */
  wholeSizeOf(folder: string, file: string): number {
    const bytes = this.sizeOf(join(folder, file));
    const isTorn = file.endsWith('.ts') && bytes % TS_PACKET_BYTES !== 0;
    return isTorn || this.isFull(folder) ? 0 : bytes;
  }

  /** Whether the file system of a folder takes nothing more. */
  isFull(folder: string): boolean {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize < FREE_BYTES_MIN;
    } catch {
      // A folder that is gone is another fault.
      return false;
    }
  }

  /** Never rejects: what cannot be removed now goes with its stream. */
  async removeSegments(streamId: string, segments: readonly Segment[]): Promise<void> {
    for (const { run, folder, file } of segments) {
      await this.#remove(this.path(streamId, run, folder, file));
    }
  }

  /** Removes files of a closed run that were never listed, and folders that are empty then. */
  async tidyRun(
    streamId: string,
    run: string,
    isKept: (folder: string, file: string) => boolean,
  ): Promise<void> {
    let left = 0;
    for (const folder of await this.#names(this.path(streamId, run))) {
      for (const file of await this.#names(this.path(streamId, run, folder))) {
        if (isKept(folder, file)) left += 1;
        else await this.#remove(this.path(streamId, run, folder, file));
      }
    }
    if (left === 0) await this.#remove(this.path(streamId, run));
  }

  /** All segments of a stream as `<run>/<rendition>/<file>`. Never rejects. */
  async filesOf(streamId: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const run of await this.runsOf(streamId)) {
      for (const folder of await this.#names(this.path(streamId, run))) {
        const files = await this.#names(this.path(streamId, run, folder));
        for (const file of files) found.add(fileKey({ run, folder, file }));
      }
    }
    return found;
  }

  async runsOf(streamId: string): Promise<readonly string[]> {
    const names = await this.#names(this.path(streamId));
    return names.filter((name) => name !== PICTURE_FOLDER);
  }

  /** Where the stream's picture is, its folder made. */
  pictureOf(streamId: string): string {
    const folder = this.path(streamId, PICTURE_FOLDER);
    mkdirSync(folder, { recursive: true });
    return join(folder, 'latest.jpg');
  }

  picturePath(streamId: string): string {
    return this.path(streamId, PICTURE_FOLDER, 'latest.jpg');
  }

  async removeStream(streamId: string): Promise<void> {
    await this.#remove(this.path(streamId));
  }

  /** Streams that have files. */
  async streams(): Promise<readonly string[]> {
    return this.#names(this.root);
  }

  async #names(path: string): Promise<readonly string[]> {
    const names = await readdir(path).catch(() => []);
    return names.filter((name) => NAME.test(name));
  }

  async #remove(path: string): Promise<void> {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (thrown) {
      this.#log.warn({ event: 'media.remove_failed', path, err: thrown });
    }
  }
}
