// Files of pictures in one directory that all web processes share: uploads as they came, and the
// sizes made of them, named by the upload's content. Invariants: a name always has the same
// content, a file is whole or absent, and no name comes from a request unchecked.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AvatarSize } from './picture-format.js';

/** Files that nobody uses stay this long, so that pages from a moment ago keep their pictures. */
const KEEP_UNUSED_MS = 86_400_000;
const PORTION = 500;

export const PICTURE_ID = /^[0-9a-f]{32}$/;

export interface PictureStore {
  /** Keeps an upload. @returns its id: 128 bits of its SHA-256 in hex. */
  keepUpload(bytes: Buffer): Promise<string>;
  /** undefined: there is none (any more). */
  upload(id: string): Promise<Buffer | undefined>;
  putAvatar(id: string, size: AvatarSize, webp: Buffer): Promise<void>;
  avatar(id: string, size: AvatarSize): Promise<Buffer | undefined>;
  /**
   * Removes files older than a day that `used` does not name.
   * @param used which of at most 500 ids are in use @returns files removed.
   */
  sweep(nowMs: number, used: (ids: readonly string[]) => Promise<Set<string>>): Promise<number>;
}

export function createPictureStore(dir: string): PictureStore {
  const uploads = join(dir, 'uploads');
  const avatars = join(dir, 'avatars');
  const avatarPath = (id: string, size: AvatarSize) => join(avatars, `${id}-${size}.webp`);

  async function write(folder: string, path: string, bytes: Buffer): Promise<void> {
    await mkdir(folder, { recursive: true });
    const draft = join(folder, `draft-${randomUUID()}`);
    await writeFile(draft, bytes);
    await rename(draft, path);
  }

  async function sweepFolder(
    folder: string,
    beforeMs: number,
    used: (ids: readonly string[]) => Promise<Set<string>>,
  ): Promise<number> {
    const names = await readdir(folder).catch(absent<string[]>([]));
    let removed = 0;
    for (let at = 0; at < names.length; at += PORTION) {
      const portion = names.slice(at, at + PORTION);
      const inUse = await used([...new Set(portion.map(idOf))]);
      for (const name of portion) {
        if (inUse.has(idOf(name))) continue;
        const path = join(folder, name);
        const age = await stat(path).catch(absent(undefined));
        if (age === undefined || age.mtimeMs > beforeMs) continue;
        await rm(path, { force: true });
        removed += 1;
      }
    }
    return removed;
  }

  return {
    async keepUpload(bytes) {
      const id = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
      await write(uploads, join(uploads, id), bytes);
      return id;
    },
    upload: (id) => readFile(join(uploads, id)).catch(absent(undefined)),
    putAvatar: (id, size, webp) => write(avatars, avatarPath(id, size), webp),
    avatar: (id, size) => readFile(avatarPath(id, size)).catch(absent(undefined)),
    async sweep(nowMs, used) {
      const beforeMs = nowMs - KEEP_UNUSED_MS;
      const gone = await sweepFolder(uploads, beforeMs, used);
      return gone + (await sweepFolder(avatars, beforeMs, used));
    },
  };
}

const idOf = (name: string): string => name.slice(0, 32);

/** Answers with `instead` for a file that is not there; other faults go on. */
function absent<T>(instead: T) {
  return (thrown: unknown): T => {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return instead;
    throw thrown;
  };
}
