// The longest visit to a paid show of a room, as its model wants it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class VisitLimit1763700000014 implements MigrationInterface {
  readonly name = 'VisitLimit1763700000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE room ADD COLUMN visit_max_sec INT UNSIGNED NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE room DROP COLUMN visit_max_sec');
  }
}
