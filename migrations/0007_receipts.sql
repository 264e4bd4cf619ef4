-- The machine's receipts by the address of ours that had sent the application: where CBP's
-- automatic reply answers each sender once, the sender's other applications get none.
CREATE TABLE receipts (
    message     INTEGER PRIMARY KEY REFERENCES messages (id),
    application INTEGER NOT NULL REFERENCES applications (id),
    -- In lower case.
    sender      TEXT    NOT NULL,
    -- When the submission was sent that it confirms, and when it came.
    sent_at     INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

CREATE INDEX receipts_by_sender ON receipts (sender, sent_at);

CREATE INDEX applications_awaiting_receipt ON applications (id) WHERE stage = 'submitted';
