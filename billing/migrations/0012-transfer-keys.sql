-- Keys that no query used; each row that the settler books paid for them. The transfers of a show are those of its
-- wallet (transfer_debit), its charges stand in `settlement`.

ALTER TABLE transfer DROP KEY transfer_session;

ALTER TABLE transfer DROP KEY transfer_reversal;
