-- How long a publisher's show in this room may be, ms; 0 = as long as it likes, NULL = as the site has it.
ALTER TABLE room_terms ADD COLUMN show_max_ms BIGINT NULL;
