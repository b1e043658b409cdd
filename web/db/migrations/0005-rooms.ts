// What a room offers beyond its price: show types, tags, tip menu, goal, private shows, schedule,
// past broadcasts, moderators; pictures of accounts; reports of what should not be.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `ALTER TABLE room
     ADD COLUMN show_type VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'free',
     ADD COLUMN ticket_milli BIGINT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN private_price_milli BIGINT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN private_minimum_sec INT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN private_grace_sec INT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN private_viewer_id BIGINT UNSIGNED NULL,
     ADD COLUMN free_epoch INT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN goal_text VARCHAR(100) NOT NULL DEFAULT '',
     ADD COLUMN goal_milli BIGINT UNSIGNED NOT NULL DEFAULT 0,
     ADD COLUMN tip_menu JSON NULL,
     ADD COLUMN time_zone VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'UTC'`,
  "UPDATE room SET show_type = 'paid' WHERE price_milli_per_min > 0",
  `ALTER TABLE user
     ADD COLUMN avatar_id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL`,
  `CREATE TABLE room_tag (
     room_id BIGINT UNSIGNED NOT NULL,
     tag VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     PRIMARY KEY (room_id, tag),
     KEY room_tag_tag (tag, room_id),
     CONSTRAINT room_tag_room_fk FOREIGN KEY (room_id) REFERENCES room (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE room_moderator (
     room_id BIGINT UNSIGNED NOT NULL,
     user_id BIGINT UNSIGNED NOT NULL,
     added_at DATETIME(3) NOT NULL,
     PRIMARY KEY (room_id, user_id),
     KEY room_moderator_user (user_id),
     CONSTRAINT room_moderator_room_fk FOREIGN KEY (room_id) REFERENCES room (id),
     CONSTRAINT room_moderator_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE room_tipper (
     room_id BIGINT UNSIGNED NOT NULL,
     user_id BIGINT UNSIGNED NOT NULL,
     last_tip_at DATETIME(3) NOT NULL,
     PRIMARY KEY (room_id, user_id),
     CONSTRAINT room_tipper_room_fk FOREIGN KEY (room_id) REFERENCES room (id),
     CONSTRAINT room_tipper_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE show_slot (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     room_id BIGINT UNSIGNED NOT NULL,
     starts_at DATETIME(3) NOT NULL,
     ends_at DATETIME(3) NOT NULL,
     title VARCHAR(80) NOT NULL,
     created_at DATETIME(3) NOT NULL,
     UNIQUE KEY show_slot_start (room_id, starts_at),
     CONSTRAINT show_slot_room_fk FOREIGN KEY (room_id) REFERENCES room (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE broadcast (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     room_id BIGINT UNSIGNED NOT NULL,
     title VARCHAR(80) NOT NULL,
     show_type VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     started_at DATETIME(3) NOT NULL,
     ended_at DATETIME(3) NULL,
     viewers_max INT UNSIGNED NOT NULL DEFAULT 0,
     UNIQUE KEY broadcast_start (room_id, started_at),
     CONSTRAINT broadcast_room_fk FOREIGN KEY (room_id) REFERENCES room (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE private_request (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     room_id BIGINT UNSIGNED NOT NULL,
     viewer_id BIGINT UNSIGNED NOT NULL,
     open_viewer_id BIGINT UNSIGNED NULL,
     note VARCHAR(200) NOT NULL,
     price_milli BIGINT UNSIGNED NOT NULL,
     minimum_sec INT UNSIGNED NOT NULL,
     grace_sec INT UNSIGNED NOT NULL,
     state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     reason VARCHAR(200) NULL,
     created_at DATETIME(3) NOT NULL,
     expires_at DATETIME(3) NOT NULL,
     decided_at DATETIME(3) NULL,
     ended_at DATETIME(3) NULL,
     UNIQUE KEY private_request_open (room_id, open_viewer_id),
     KEY private_request_room (room_id, state, id),
     KEY private_request_viewer (viewer_id, id),
     CONSTRAINT private_request_room_fk FOREIGN KEY (room_id) REFERENCES room (id),
     CONSTRAINT private_request_viewer_fk FOREIGN KEY (viewer_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE report (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     room_id BIGINT UNSIGNED NOT NULL,
     reporter_id BIGINT UNSIGNED NOT NULL,
     subject VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     subject_ref VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     author VARCHAR(64) NOT NULL,
     text VARCHAR(500) NOT NULL,
     reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     note VARCHAR(500) NOT NULL,
     state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     resolution VARCHAR(200) NULL,
     resolved_by BIGINT UNSIGNED NULL,
     created_at DATETIME(3) NOT NULL,
     resolved_at DATETIME(3) NULL,
     UNIQUE KEY report_once (room_id, reporter_id, subject, subject_ref),
     KEY report_state (state, id),
     KEY report_room (room_id, state, id),
     CONSTRAINT report_room_fk FOREIGN KEY (room_id) REFERENCES room (id),
     CONSTRAINT report_reporter_fk FOREIGN KEY (reporter_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
];

const TABLES = [
  ...['report', 'private_request', 'broadcast', 'show_slot'],
  ...['room_tipper', 'room_moderator', 'room_tag'],
];
const ROOM_COLUMNS = [
  ...['show_type', 'ticket_milli', 'private_price_milli', 'private_minimum_sec'],
  ...['private_grace_sec', 'private_viewer_id', 'free_epoch', 'goal_text', 'goal_milli'],
  ...['tip_menu', 'time_zone'],
];

export class Rooms1763700000005 implements MigrationInterface {
  readonly name = 'Rooms1763700000005';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`DROP TABLE ${table}`);
    await runner.query('ALTER TABLE user DROP COLUMN avatar_id');
    const drops = ROOM_COLUMNS.map((name) => `DROP COLUMN ${name}`).join(', ');
    await runner.query(`ALTER TABLE room ${drops}`);
  }
}
