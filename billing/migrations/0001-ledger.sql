-- The double-entry ledger and what it needs to be fed exactly once. Amounts are BIGINT milli-credits, times
-- BIGINT milliseconds since 1970 (UTC). Every statement may run twice: DDL does not roll back.

CREATE TABLE IF NOT EXISTS account (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(24) CHARACTER SET ascii NOT NULL,
  owner_ref VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  shard SMALLINT UNSIGNED NULL,
  debits BIGINT NOT NULL DEFAULT 0,
  credits BIGINT NOT NULL DEFAULT 0,
  cmd_seq BIGINT NOT NULL DEFAULT 0,
  is_frozen TINYINT NOT NULL DEFAULT 0,
  UNIQUE KEY account_owner (kind, owner_ref),
  KEY account_shard (shard, id),
  CONSTRAINT account_sums CHECK (debits >= 0 AND credits >= 0)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS transfer (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(24) CHARACTER SET ascii NOT NULL,
  debit_account BIGINT UNSIGNED NOT NULL,
  credit_account BIGINT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  shard SMALLINT UNSIGNED NULL,
  epoch BIGINT UNSIGNED NULL,
  seq BIGINT UNSIGNED NULL,
  idx SMALLINT UNSIGNED NULL,
  idem_key VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NULL,
  reverses_id BIGINT UNSIGNED NULL,
  session_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NULL,
  actor VARCHAR(64) NULL,
  occurred_ms BIGINT NOT NULL,
  booked_ms BIGINT NOT NULL,
  UNIQUE KEY transfer_outbox (shard, epoch, seq, idx),
  UNIQUE KEY transfer_idem (idem_key),
  UNIQUE KEY transfer_reversal (reverses_id),
  KEY transfer_debit (debit_account, id),
  KEY transfer_credit (credit_account, id),
  KEY transfer_session (session_id),
  CONSTRAINT transfer_amount CHECK (amount > 0),
  CONSTRAINT transfer_sides CHECK (debit_account <> credit_account)
) ENGINE = InnoDB;

DROP TRIGGER IF EXISTS transfer_no_update;

CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'transfers are append-only';

DROP TRIGGER IF EXISTS transfer_no_delete;

CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'transfers are append-only';

CREATE TABLE IF NOT EXISTS session (
  id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  shard SMALLINT UNSIGNED NOT NULL,
  wallet BIGINT UNSIGNED NOT NULL,
  room BIGINT UNSIGNED NOT NULL,
  payee BIGINT UNSIGNED NOT NULL,
  tariff VARCHAR(96) CHARACTER SET ascii NOT NULL,
  opened_ms BIGINT NOT NULL,
  settled_bill_ms BIGINT NOT NULL DEFAULT 0,
  settled_cost BIGINT NOT NULL DEFAULT 0,
  ended_ms BIGINT NULL,
  reason VARCHAR(24) CHARACTER SET ascii NULL,
  KEY session_open (shard, ended_ms, id),
  KEY session_wallet (wallet, opened_ms),
  KEY session_payee (payee, opened_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS settlement (
  session_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_bill_ms BIGINT NOT NULL,
  to_bill_ms BIGINT NOT NULL,
  from_cost BIGINT NOT NULL,
  to_cost BIGINT NOT NULL,
  occurred_ms BIGINT NOT NULL,
  PRIMARY KEY (session_id, from_bill_ms, from_cost),
  CONSTRAINT settlement_span CHECK (to_bill_ms >= from_bill_ms AND to_cost >= from_cost)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS tip (
  id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  shard SMALLINT UNSIGNED NOT NULL,
  wallet BIGINT UNSIGNED NOT NULL,
  idem_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(16) CHARACTER SET ascii NOT NULL,
  room BIGINT UNSIGNED NOT NULL,
  payee BIGINT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  occurred_ms BIGINT NOT NULL,
  KEY tip_recent (shard, occurred_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS wallet_command (
  wallet BIGINT UNSIGNED NOT NULL,
  cmd_seq BIGINT NOT NULL,
  shard SMALLINT UNSIGNED NOT NULL,
  kind VARCHAR(16) CHARACTER SET ascii NOT NULL,
  amount BIGINT NOT NULL,
  lot VARCHAR(64) CHARACTER SET ascii NULL,
  idem_key VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(16) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  actor VARCHAR(64) NOT NULL,
  created_ms BIGINT NOT NULL,
  applied_ms BIGINT NULL,
  PRIMARY KEY (wallet, cmd_seq),
  UNIQUE KEY wallet_command_idem (idem_key),
  KEY wallet_command_pending (applied_ms, created_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS shard_cursor (
  shard SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
  epoch BIGINT UNSIGNED NOT NULL DEFAULT 0,
  seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  parked VARCHAR(400) NULL,
  updated_ms BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS room_terms (
  room BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  performer BIGINT UNSIGNED NOT NULL,
  stream_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  price_milli_per_min BIGINT NOT NULL,
  is_active TINYINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY room_terms_stream (stream_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS stream_key (
  key_hash CHAR(64) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  stream_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  revoked_ms BIGINT NULL,
  KEY stream_key_stream (stream_id, revoked_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS audit (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  actor VARCHAR(64) NOT NULL,
  action VARCHAR(32) CHARACTER SET ascii NOT NULL,
  subject VARCHAR(96) NOT NULL,
  detail VARCHAR(1000) NOT NULL,
  at_ms BIGINT NOT NULL,
  KEY audit_subject (subject, id)
) ENGINE = InnoDB;

DROP TRIGGER IF EXISTS audit_no_update;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit log is append-only';

DROP TRIGGER IF EXISTS audit_no_delete;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit log is append-only';
