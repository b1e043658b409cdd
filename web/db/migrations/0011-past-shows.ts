// Whether a room's past shows are public, and which of its recordings everybody may see.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PastShows1763700000011 implements MigrationInterface {
  readonly name = 'PastShows1763700000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE room ADD COLUMN has_public_past TINYINT(1) NOT NULL DEFAULT 1');
    await runner.query(
      `CREATE TABLE shown_recording (
         room_id BIGINT UNSIGNED NOT NULL,
         recording_id VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
         shown_at DATETIME(3) NOT NULL,
         PRIMARY KEY (room_id, recording_id),
         CONSTRAINT shown_recording_room_fk FOREIGN KEY (room_id) REFERENCES room (id)
       ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE shown_recording');
    await runner.query('ALTER TABLE room DROP COLUMN has_public_past');
  }
}
