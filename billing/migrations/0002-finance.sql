-- Credit lots and the finance operations. Amounts are BIGINT milli-credits (fiat: minor units), times BIGINT
-- milliseconds since 1970 (UTC). Every statement may run twice; a column or key that exists already is left alone.

-- `credit`, or the currency of an account of fiat money. Transfers never cross ledgers.
ALTER TABLE account ADD COLUMN ledger VARCHAR(8) CHARACTER SET ascii NOT NULL DEFAULT 'credit';

ALTER TABLE transfer ADD KEY transfer_booked (booked_ms);

-- What the model and the studio have earned by it, what lots paid without pay for the model, what went back.
ALTER TABLE session ADD COLUMN studio BIGINT UNSIGNED NULL;
ALTER TABLE session ADD COLUMN unpaid_cost BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN payee_milli BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN studio_milli BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN refunded_milli BIGINT NOT NULL DEFAULT 0;

ALTER TABLE tip ADD COLUMN studio BIGINT UNSIGNED NULL;
ALTER TABLE tip ADD COLUMN payee_milli BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tip ADD COLUMN studio_milli BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tip ADD COLUMN refunded_milli BIGINT NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS lot (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  wallet BIGINT UNSIGNED NOT NULL,
  shard SMALLINT UNSIGNED NOT NULL,
  kind VARCHAR(16) CHARACTER SET ascii NOT NULL,
  source_ref VARCHAR(64) CHARACTER SET ascii NOT NULL,
  priority TINYINT UNSIGNED NOT NULL,
  scope TINYINT UNSIGNED NOT NULL,
  pays_performer TINYINT NOT NULL,
  granted BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  is_open TINYINT GENERATED ALWAYS AS (remaining > 0) STORED,
  KEY lot_wallet (wallet, is_open),
  KEY lot_shard (shard, is_open, wallet),
  KEY lot_due (is_open, expires_ms),
  CONSTRAINT lot_amount CHECK (granted > 0 AND remaining >= 0 AND remaining <= granted)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS lot_use (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  lot BIGINT UNSIGNED NOT NULL,
  kind VARCHAR(8) CHARACTER SET ascii NOT NULL,
  source CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NULL,
  amount BIGINT NOT NULL,
  shard SMALLINT UNSIGNED NULL,
  epoch BIGINT UNSIGNED NULL,
  seq BIGINT UNSIGNED NULL,
  idx SMALLINT UNSIGNED NULL,
  at_ms BIGINT NOT NULL,
  UNIQUE KEY lot_use_outbox (shard, epoch, seq, idx, lot),
  KEY lot_use_source (source, id),
  KEY lot_use_lot (lot, id),
  CONSTRAINT lot_use_amount CHECK (amount > 0)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS finance_command (
  idem_key VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  fingerprint CHAR(16) CHARACTER SET ascii NOT NULL,
  result VARCHAR(400) NOT NULL,
  created_ms BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS purchase (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  provider VARCHAR(24) CHARACTER SET ascii NOT NULL,
  payment_ref VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(16) CHARACTER SET ascii NOT NULL,
  wallet BIGINT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  bonus BIGINT NOT NULL,
  bonus_lot BIGINT UNSIGNED NULL,
  fiat_minor BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii NOT NULL,
  refunded BIGINT NOT NULL DEFAULT 0,
  chargeback VARCHAR(8) CHARACTER SET ascii NULL,
  disputed_fiat BIGINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  UNIQUE KEY purchase_ref (payment_ref, provider),
  KEY purchase_wallet (wallet, id),
  CONSTRAINT purchase_refunded CHECK (amount > 0 AND refunded >= 0 AND refunded <= amount)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS wallet_freeze (
  wallet BIGINT UNSIGNED NOT NULL,
  source VARCHAR(40) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(200) NOT NULL,
  actor VARCHAR(64) NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (wallet, source)
) ENGINE = InnoDB;

-- from/to: refunds of one show or tip are contiguous, so nothing is given back twice.
CREATE TABLE IF NOT EXISTS refund (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  source CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_milli BIGINT NOT NULL,
  to_milli BIGINT NOT NULL,
  wallet BIGINT UNSIGNED NOT NULL,
  payee BIGINT UNSIGNED NOT NULL,
  payee_milli BIGINT NOT NULL,
  studio_milli BIGINT NOT NULL,
  loss_milli BIGINT NOT NULL,
  reason VARCHAR(200) NOT NULL,
  actor VARCHAR(64) NOT NULL,
  approver VARCHAR(64) NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE KEY refund_once (source, from_milli),
  KEY refund_wallet (wallet, id),
  CONSTRAINT refund_span CHECK (to_milli > from_milli)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS adjustment (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  wallet BIGINT UNSIGNED NOT NULL,
  amount BIGINT NOT NULL,
  reason_code VARCHAR(40) CHARACTER SET ascii NOT NULL,
  ticket VARCHAR(64) CHARACTER SET ascii NOT NULL,
  actor VARCHAR(64) NOT NULL,
  state VARCHAR(12) CHARACTER SET ascii NOT NULL,
  decided_by VARCHAR(64) NULL,
  created_ms BIGINT NOT NULL,
  KEY adjustment_state (state, id),
  CONSTRAINT adjustment_amount CHECK (amount <> 0)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS campaign (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  budget BIGINT NOT NULL,
  expires_days SMALLINT UNSIGNED NOT NULL,
  pays_performer TINYINT NOT NULL,
  scope TINYINT UNSIGNED NOT NULL,
  priority TINYINT UNSIGNED NOT NULL,
  created_ms BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS performer_terms (
  performer BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  studio BIGINT UNSIGNED NULL,
  studio_share_bps SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  is_on_hold TINYINT NOT NULL DEFAULT 0,
  payout_minimum BIGINT NULL,
  hold_days SMALLINT UNSIGNED NULL,
  updated_ms BIGINT NOT NULL,
  CONSTRAINT performer_share CHECK (studio_share_bps <= 10000)
) ENGINE = InnoDB;

-- How far the earnings of a model have ripened: the last transfer, and the sum up to it.
CREATE TABLE IF NOT EXISTS earner (
  account BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  ripe_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
  ripe_milli BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS payout (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  performer BIGINT UNSIGNED NOT NULL,
  state VARCHAR(12) CHARACTER SET ascii NOT NULL,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  method VARCHAR(24) CHARACTER SET ascii NOT NULL,
  actor VARCHAR(64) NOT NULL,
  reason VARCHAR(200) NULL,
  provider_ref VARCHAR(96) CHARACTER SET ascii NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  KEY payout_performer (performer, id),
  KEY payout_state (state, id),
  CONSTRAINT payout_amount CHECK (amount > 0 AND fee >= 0 AND fee < amount)
) ENGINE = InnoDB;

-- One hash a day over all audit rows of the day and the hash before.
CREATE TABLE IF NOT EXISTS audit_anchor (
  day INT UNSIGNED NOT NULL PRIMARY KEY,
  last_id BIGINT UNSIGNED NOT NULL,
  entries INT UNSIGNED NOT NULL,
  hash CHAR(64) CHARACTER SET ascii NOT NULL,
  at_ms BIGINT NOT NULL
) ENGINE = InnoDB;

DROP TRIGGER IF EXISTS lot_use_no_update;

CREATE TRIGGER lot_use_no_update BEFORE UPDATE ON lot_use FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'uses of lots are append-only';

DROP TRIGGER IF EXISTS lot_use_no_delete;

CREATE TRIGGER lot_use_no_delete BEFORE DELETE ON lot_use FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'uses of lots are append-only';
