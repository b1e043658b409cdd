// Pictures of accounts: taken in, resized by a job, shown by every room and given back. Used by the
// avatar routes and by the job queue. Invariant: the picture shown is the newest that was taken in
// whole; a job that comes late, twice or after a removal changes nothing.
import { AppError, coerceError, type Clock, type Logger } from '../../cluster/index.js';
import type { Database } from '../db/database.js';
import { UserEntity } from '../db/entities/user.js';
import type { PictureJob, PictureJobs, Publisher } from '../ports.js';
import { AVATAR_SIZES, makeAvatar, requirePicture, type AvatarSize } from './picture-format.js';
import { createPictureStore, PICTURE_ID } from './picture-store.js';

export interface AvatarService {
  /**
   * Takes a picture in; it is shown once a job has resized it.
   * @throws PICTURE_REFUSED, REALTIME_UNAVAILABLE, OVERLOADED (nothing changed)
   */
  put(userId: string, bytes: Buffer): Promise<void>;
  remove(userId: string): Promise<void>;
  /** Pictures of these accounts, by account; who has none is left out. One query. */
  of(userIds: readonly string[]): Promise<{ userId: string; avatarId: string }[]>;
  /** WebP; undefined: there is none. */
  read(id: string, size: AvatarSize): Promise<Buffer | undefined>;
  /** Removes old files that no account uses. @returns files removed. */
  sweep(): Promise<number>;
}

export function createAvatarService(parts: {
  database: Database;
  jobs: PictureJobs;
  publisher: Publisher;
  mediaDir: string;
  clock: Clock;
  log: Logger;
  /** Called after a picture has changed. */
  onChange: () => void;
}): AvatarService {
  const { database, jobs, publisher, clock, log, onChange } = parts;
  const store = createPictureStore(parts.mediaDir);
  const users = () => database.repository(UserEntity);

  /** Ends the wait for an upload; false: it was not waited for any more. */
  async function settle({ userId, uploadId }: PictureJob, avatarId?: string): Promise<boolean> {
    const columns = { avatarUpload: null, ...(avatarId === undefined ? {} : { avatarId }) };
    const { affected } = await users().update({ id: userId, avatarUpload: uploadId }, columns);
    return affected === 1;
  }

  async function tell(userId: string, kind: 'avatar-ready' | 'avatar-refused', title: string) {
    const push = { kind: 'n', body: { kind, title, link: '/account' }, cls: 'reliable' } as const;
    await publisher.publish(`user:${userId}`, push).catch((thrown: unknown) => {
      log.warn({ event: 'avatar.not_told', err: coerceError(thrown) });
    });
  }

  async function resize(job: PictureJob): Promise<void> {
    const { userId, uploadId } = job;
    if (!(await users().existsBy({ id: userId, avatarUpload: uploadId }))) return;
    const bytes = await store.upload(uploadId);
    if (bytes === undefined) {
      log.warn({ event: 'avatar.upload_missing', hint: 'WEB_MEDIA_DIR must be shared' });
      await settle(job);
      return;
    }
    for (const size of AVATAR_SIZES) {
      await store.putAvatar(uploadId, size, await makeAvatar(bytes, size));
    }
    if (!(await settle(job, uploadId))) return;
    onChange();
    await tell(userId, 'avatar-ready', 'Your picture is ready.');
  }

  jobs.onJob({
    run: resize,
    async giveUp(job, why) {
      const isRefused = why instanceof AppError && why.code === 'PICTURE_REFUSED';
      const title = isRefused ? why.message : 'Your picture was not saved. Send it again.';
      if (await settle(job)) await tell(job.userId, 'avatar-refused', title);
    },
  });

  return {
    async put(userId, bytes) {
      await requirePicture(bytes);
      const uploadId = await store.keepUpload(bytes);
      await users().update({ id: userId }, { avatarUpload: uploadId });
      await jobs.add({ userId, uploadId }).catch(async (thrown: unknown) => {
        await settle({ userId, uploadId });
        throw thrown;
      });
    },

    async remove(userId) {
      await users().update({ id: userId }, { avatarId: null, avatarUpload: null });
      onChange();
    },

    of: (userIds) =>
      database.rows<{ userId: string; avatarId: string }>(
        `SELECT CAST(id AS CHAR) AS userId, avatar_id AS avatarId FROM user
         WHERE id IN (?) AND avatar_id IS NOT NULL ORDER BY id`,
        [userIds],
      ),

    read: (id, size) => (PICTURE_ID.test(id) ? store.avatar(id, size) : Promise.resolve(undefined)),

    sweep: () =>
      store.sweep(clock.nowMs(), async (ids) => {
        const rows = await database.rows<{ id: string }>(
          `SELECT avatar_id AS id FROM user WHERE avatar_id IN (?)
           UNION SELECT avatar_upload AS id FROM user WHERE avatar_upload IN (?)`,
          [ids, ids],
        );
        return new Set(rows.map((row) => row.id));
      }),
  };
}
