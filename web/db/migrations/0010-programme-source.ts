// The source of the programme that an admin has set, instead of the one in the settings.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ProgrammeSource1763700000010 implements MigrationInterface {
  readonly name = 'ProgrammeSource1763700000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      "ALTER TABLE programme ADD COLUMN source_url VARCHAR(500) NOT NULL DEFAULT ''",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE programme DROP COLUMN source_url');
  }
}
