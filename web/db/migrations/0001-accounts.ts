// Accounts, their sessions, model applications, rooms and the audit record.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE user (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     username VARCHAR(30) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
     email VARCHAR(254) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
     password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     is_model TINYINT(1) NOT NULL DEFAULT 0,
     is_moderator TINYINT(1) NOT NULL DEFAULT 0,
     is_admin TINYINT(1) NOT NULL DEFAULT 0,
     status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     created_at DATETIME(3) NOT NULL,
     last_login_at DATETIME(3) NULL,
     UNIQUE KEY user_username (username),
     UNIQUE KEY user_email (email)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE refresh_session (
     id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
     user_id BIGINT UNSIGNED NOT NULL,
     generation INT UNSIGNED NOT NULL,
     salt CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     created_at DATETIME(3) NOT NULL,
     last_used_at DATETIME(3) NOT NULL,
     expires_at DATETIME(3) NOT NULL,
     revoked_at DATETIME(3) NULL,
     revoked_reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
     user_agent VARCHAR(200) NOT NULL,
     ip VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     KEY refresh_session_user (user_id, revoked_at),
     KEY refresh_session_expiry (expires_at),
     CONSTRAINT refresh_session_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE model_profile (
     user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
     display_name VARCHAR(30) NOT NULL,
     about VARCHAR(1000) NOT NULL,
     state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     reason VARCHAR(200) NULL,
     applied_at DATETIME(3) NOT NULL,
     decided_at DATETIME(3) NULL,
     decided_by BIGINT UNSIGNED NULL,
     KEY model_profile_state (state, applied_at),
     CONSTRAINT model_profile_user_fk FOREIGN KEY (user_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE room (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     performer_id BIGINT UNSIGNED NOT NULL,
     slug VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     title VARCHAR(80) NOT NULL,
     topic VARCHAR(200) NOT NULL,
     price_milli_per_min BIGINT UNSIGNED NOT NULL,
     stream_id CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     key_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
     key_mask VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
     is_archived TINYINT(1) NOT NULL DEFAULT 0,
     is_private TINYINT(1) NOT NULL DEFAULT 0,
     allow_anons TINYINT(1) NOT NULL DEFAULT 1,
     anons_see_chat TINYINT(1) NOT NULL DEFAULT 1,
     created_at DATETIME(3) NOT NULL,
     updated_at DATETIME(3) NOT NULL,
     last_live_at DATETIME(3) NULL,
     recent_at DATETIME(3) NOT NULL,
     UNIQUE KEY room_slug (slug),
     UNIQUE KEY room_stream (stream_id),
     UNIQUE KEY room_key (key_hash),
     KEY room_performer (performer_id),
     KEY room_recent (is_archived, recent_at, id),
     CONSTRAINT room_performer_fk FOREIGN KEY (performer_id) REFERENCES user (id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  `CREATE TABLE audit (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
     actor_id BIGINT UNSIGNED NOT NULL,
     action VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     subject_type VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     subject_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     detail JSON NOT NULL,
     ip VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
     created_at DATETIME(3) NOT NULL,
     KEY audit_subject (subject_type, subject_id, id),
     KEY audit_actor (actor_id, id)
   ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
];

export class Accounts1763700000001 implements MigrationInterface {
  readonly name = 'Accounts1763700000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit', 'room', 'model_profile', 'refresh_session', 'user']) {
      await runner.query(`DROP TABLE ${table}`);
    }
  }
}
