// The programme of a conference: the one in force, how the last look at its source went, and what
// each of its rooms is on this site.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE programme (
     id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
     digest CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
     document MEDIUMTEXT NULL,
     origin VARCHAR(300) NOT NULL DEFAULT '',
     loaded_at DATETIME(3) NULL,
     warnings JSON NULL,
     source_digest CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
     next_check_at DATETIME(3) NOT NULL,
     check_state VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'none',
     check_origin VARCHAR(300) NOT NULL DEFAULT '',
     checked_at DATETIME(3) NULL,
     problems JSON NULL
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  "INSERT INTO programme (id, next_check_at) VALUES (1, '2000-01-01 00:00:00')",
  `CREATE TABLE programme_room (
     room_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
     room_id BIGINT UNSIGNED NULL,
     title VARCHAR(80) NOT NULL DEFAULT '',
     logo_url VARCHAR(300) NOT NULL DEFAULT '',
     player_kind VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'none',
     player_ref VARCHAR(300) NOT NULL DEFAULT '',
     has_chat TINYINT(1) NOT NULL DEFAULT 1,
     updated_at DATETIME(3) NOT NULL,
     KEY programme_room_room (room_id),
     CONSTRAINT programme_room_room_fk FOREIGN KEY (room_id) REFERENCES room (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
];

export class Programme1763700000008 implements MigrationInterface {
  readonly name = 'Programme1763700000008';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE programme_room');
    await runner.query('DROP TABLE programme');
  }
}
