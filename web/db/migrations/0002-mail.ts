// Outgoing mail and the single-use links in it; whether an address has been confirmed.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  'ALTER TABLE user ADD COLUMN email_confirmed_at DATETIME(3) NULL AFTER status',
  `CREATE TABLE mail_link (
     token_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
     user_id BIGINT UNSIGNED NOT NULL,
     purpose VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     created_at DATETIME(3) NOT NULL,
     expires_at DATETIME(3) NOT NULL,
     used_at DATETIME(3) NULL,
     KEY mail_link_user (user_id, purpose, created_at),
     CONSTRAINT mail_link_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE mail (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     recipient VARCHAR(254) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
     subject VARCHAR(200) NOT NULL,
     body TEXT NOT NULL,
     created_at DATETIME(3) NOT NULL,
     next_try_at DATETIME(3) NOT NULL,
     tries INT UNSIGNED NOT NULL DEFAULT 0,
     sent_at DATETIME(3) NULL,
     last_error VARCHAR(200) NULL,
     KEY mail_due (sent_at, next_try_at)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
];

export class Mail1763700000002 implements MigrationInterface {
  readonly name = 'Mail1763700000002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE mail');
    await runner.query('DROP TABLE mail_link');
    await runner.query('ALTER TABLE user DROP COLUMN email_confirmed_at');
  }
}
