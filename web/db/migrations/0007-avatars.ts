// Pictures of accounts that are still being made, and the index by which old files are told from
// those in use.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Avatars1763700000007 implements MigrationInterface {
  readonly name = 'Avatars1763700000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE user
         ADD COLUMN avatar_upload CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
         ADD KEY user_avatar (avatar_id),
         ADD KEY user_avatar_upload (avatar_upload)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE user DROP KEY user_avatar_upload, DROP KEY user_avatar,
         DROP COLUMN avatar_upload`,
    );
  }
}
