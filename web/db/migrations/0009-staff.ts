// Roles of staff beside admin and moderator, refunds that staff gives by itself, and who was the
// first of two to approve a refund.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Staff1763700000009 implements MigrationInterface {
  readonly name = 'Staff1763700000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE user
         ADD COLUMN is_finance BOOLEAN NOT NULL DEFAULT FALSE,
         ADD COLUMN is_support BOOLEAN NOT NULL DEFAULT FALSE,
         ADD KEY user_admin (is_admin)`,
    );
    await runner.query(
      'ALTER TABLE refund_request ADD COLUMN proposed_by BIGINT UNSIGNED NULL AFTER answer',
    );
    await runner.query(
      `CREATE TABLE refund_order (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        command_key CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        kind VARCHAR(10) CHARACTER SET ascii NOT NULL,
        ref VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        amount_milli BIGINT UNSIGNED NULL,
        reason VARCHAR(200) NOT NULL,
        state VARCHAR(10) CHARACTER SET ascii NOT NULL,
        returned_milli BIGINT UNSIGNED NULL,
        asked_by BIGINT UNSIGNED NOT NULL,
        decided_by BIGINT UNSIGNED NULL,
        created_at DATETIME(3) NOT NULL,
        decided_at DATETIME(3) NULL,
        UNIQUE KEY refund_order_once (command_key),
        KEY refund_order_queue (state, id),
        CONSTRAINT refund_order_asker FOREIGN KEY (asked_by) REFERENCES user (id)
      )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refund_order');
    await runner.query('ALTER TABLE refund_request DROP COLUMN proposed_by');
    await runner.query(
      'ALTER TABLE user DROP KEY user_admin, DROP COLUMN is_support, DROP COLUMN is_finance',
    );
  }
}
