// Purchases of credits. The row is the order; billing's ledger is the only record of credits
// themselves.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Purchases1763700000003 implements MigrationInterface {
  readonly name = 'Purchases1763700000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE purchase (
      id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      user_id BIGINT UNSIGNED NOT NULL,
      command_key CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      package_id VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      amount_milli BIGINT UNSIGNED NOT NULL,
      price_cents INT UNSIGNED NOT NULL,
      currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      provider VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      provider_ref VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
      state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      paid_at DATETIME(3) NULL,
      UNIQUE KEY purchase_command (command_key),
      UNIQUE KEY purchase_provider_ref (provider, provider_ref),
      KEY purchase_user (user_id, created_at),
      KEY purchase_state (state, created_at),
      CONSTRAINT purchase_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE purchase');
  }
}
