// Who follows which room, and what people are told.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE follow (
     room_id BIGINT UNSIGNED NOT NULL,
     user_id BIGINT UNSIGNED NOT NULL,
     created_at DATETIME(3) NOT NULL,
     PRIMARY KEY (room_id, user_id),
     KEY follow_user (user_id, created_at),
     CONSTRAINT follow_room_fk FOREIGN KEY (room_id) REFERENCES room (id),
     CONSTRAINT follow_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE notification (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     user_id BIGINT UNSIGNED NOT NULL,
     cause VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     title VARCHAR(100) NOT NULL,
     link VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     created_at DATETIME(3) NOT NULL,
     read_at DATETIME(3) NULL,
     UNIQUE KEY notification_cause (user_id, cause),
     KEY notification_unread (user_id, read_at),
     KEY notification_age (created_at),
     CONSTRAINT notification_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  'ALTER TABLE mail ADD KEY mail_age (created_at)',
  'ALTER TABLE mail_link ADD KEY mail_link_age (expires_at)',
];

export class Followers1763700000004 implements MigrationInterface {
  readonly name = 'Followers1763700000004';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE mail_link DROP KEY mail_link_age');
    await runner.query('ALTER TABLE mail DROP KEY mail_age');
    await runner.query('DROP TABLE notification');
    await runner.query('DROP TABLE follow');
  }
}
