// The longest show of a room, as its model wants it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ShowLimit1763700000013 implements MigrationInterface {
  readonly name = 'ShowLimit1763700000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE room ADD COLUMN show_max_sec INT UNSIGNED NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE room DROP COLUMN show_max_sec');
  }
}
