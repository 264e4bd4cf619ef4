-- What people decided about mails: who, when, why; append-only.
CREATE TABLE decisions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Decisions of one command share a batch, and are taken back together.
    batch        INTEGER NOT NULL,
    message      INTEGER NOT NULL REFERENCES messages (id),
    at           INTEGER NOT NULL,
    -- accepted, dismissed, undone, or alias_forgotten.
    what         TEXT    NOT NULL,
    who          TEXT    NOT NULL,
    why          TEXT    NOT NULL DEFAULT '',
    applications TEXT    NOT NULL DEFAULT '[]'
) STRICT;

CREATE INDEX decisions_by_message ON decisions (message);
CREATE INDEX decisions_by_batch ON decisions (batch);

-- The decision that an event follows from.
ALTER TABLE events ADD COLUMN decision INTEGER REFERENCES decisions (id);

-- Names that an application goes by since a person assigned a mail to it. Each stands in `names`,
-- too, and goes from both when the decision is taken back.
CREATE TABLE learnt_names (
    name        TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    written     TEXT    NOT NULL,
    message     INTEGER NOT NULL REFERENCES messages (id),
    learnt_at   INTEGER NOT NULL,
    PRIMARY KEY (name, application)
) STRICT, WITHOUT ROWID;

CREATE INDEX learnt_names_by_application ON learnt_names (application);
CREATE INDEX learnt_names_by_message ON learnt_names (message);

-- An application's names are read wherever a mail may be about it.
CREATE INDEX names_by_application ON names (application);
