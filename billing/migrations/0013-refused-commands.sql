-- What a finance command was refused with: `{"code":…,"details":…}`. Only while `result` is empty.

ALTER TABLE finance_command ADD COLUMN refusal VARCHAR(1000) NULL;
