-- Price models beside "per minute", price changes within a session, spending limits of wallets.

-- NULL: per minute at price_milli_per_min. Otherwise a tariff as in session.tariff, its share left at 0.
ALTER TABLE room_terms ADD COLUMN tariff VARCHAR(96) CHARACTER SET ascii NULL;

-- A session whose price has changed carries billable ms and cost at the change after its tariff.
ALTER TABLE session MODIFY COLUMN tariff VARCHAR(160) CHARACTER SET ascii NOT NULL;

-- 0 = no such limit; amounts in milli-credits. `version` grows with every change and orders them in Redis.
CREATE TABLE IF NOT EXISTS wallet_limit (
  wallet BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  shard SMALLINT UNSIGNED NOT NULL,
  version BIGINT NOT NULL,
  per_show BIGINT NOT NULL,
  per_minute BIGINT NOT NULL,
  per_day BIGINT NOT NULL,
  per_tip BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  KEY wallet_limit_shard (shard, wallet)
) ENGINE = InnoDB;
