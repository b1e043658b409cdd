// The billing session in which the viewer of a private show is there; the show ends with it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PrivateSessions1763700000012 implements MigrationInterface {
  readonly name = 'PrivateSessions1763700000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE private_request
         ADD COLUMN session_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE private_request DROP COLUMN session_id');
  }
}
