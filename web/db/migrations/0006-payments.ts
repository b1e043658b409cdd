// What a payment provider tells about payments after they were made, and viewers' wishes for
// refunds.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `ALTER TABLE purchase
     ADD COLUMN refunded_milli BIGINT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN dispute VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL`,
  `CREATE TABLE payment_event (
     provider VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     type VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     received_at DATETIME(3) NOT NULL,
     handled_at DATETIME(3) NULL,
     PRIMARY KEY (provider, id),
     KEY payment_event_age (received_at)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE refund_request (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     user_id BIGINT UNSIGNED NOT NULL,
     kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     ref VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     reason VARCHAR(500) NOT NULL,
     state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     answer VARCHAR(200) NULL,
     amount_milli BIGINT UNSIGNED NULL,
     decided_by BIGINT UNSIGNED NULL,
     created_at DATETIME(3) NOT NULL,
     decided_at DATETIME(3) NULL,
     UNIQUE KEY refund_request_once (user_id, kind, ref),
     KEY refund_request_state (state, id),
     CONSTRAINT refund_request_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
];

export class Payments1763700000006 implements MigrationInterface {
  readonly name = 'Payments1763700000006';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refund_request');
    await runner.query('DROP TABLE payment_event');
    await runner.query('ALTER TABLE purchase DROP COLUMN dispute, DROP COLUMN refunded_milli');
  }
}
