-- Instants are Unix seconds in UTC, civil dates are text. Lists are JSON arrays.
-- Everything that follows from a batch of mail is written in one transaction with its cursor.

CREATE TABLE applications (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    company            TEXT    NOT NULL,
    -- Canonical, with suffix; one application is one number on one route.
    number             TEXT    NOT NULL,
    route              TEXT    NOT NULL,
    -- `12-3456789` of an EIN number, so that a mail with the bare EIN finds its family.
    ein                TEXT,
    aliases            TEXT    NOT NULL DEFAULT '[]',
    tags               TEXT    NOT NULL DEFAULT '[]',
    contact            TEXT,
    notes              TEXT,
    created_at         INTEGER NOT NULL,
    -- From here on: the fold of the events and its last evaluation, a cache of what they say.
    stage              TEXT    NOT NULL DEFAULT 'draft',
    attention          TEXT    NOT NULL DEFAULT 'none',
    submitted_at       INTEGER,
    acknowledged_at    INTEGER,
    first_reply_at     INTEGER,
    decided_at         INTEGER,
    next_deadline      INTEGER,
    -- When the evaluation can next say something else; NULL where only an event can change it.
    next_evaluation_at INTEGER,
    -- The instant for which it was made; a later one than now comes from a wrong clock.
    evaluated_at       INTEGER NOT NULL DEFAULT 0,
    -- The earliest passed deadline of which it is not yet known whether it was kept.
    proof_needed       INTEGER,
    UNIQUE (number, route)
) STRICT;

CREATE INDEX applications_by_ein ON applications (ein);
CREATE INDEX applications_by_urgency ON applications (attention, next_deadline);
CREATE INDEX applications_to_evaluate ON applications (next_evaluation_at)
    WHERE next_evaluation_at IS NOT NULL;
CREATE INDEX applications_to_prove ON applications (proof_needed)
    WHERE proof_needed IS NOT NULL;
CREATE INDEX applications_evaluated ON applications (evaluated_at);

-- Normalised names, aliases included.
CREATE TABLE names (
    name        TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    PRIMARY KEY (name, application)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the bytes: a Message-ID is only the sender's word.
    digest        TEXT    NOT NULL UNIQUE,
    message_id    TEXT,
    mailbox       TEXT    NOT NULL,
    folder        TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    received_at   INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    sender        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    reason        TEXT,
    authenticity  TEXT    NOT NULL,
    -- JSON: the sentences that say why, and the answer of the matching.
    because       TEXT    NOT NULL DEFAULT '[]',
    outcome       TEXT    NOT NULL,
    matched_by    TEXT,
    application   INTEGER REFERENCES applications (id),
    candidates    TEXT    NOT NULL DEFAULT '[]',
    match_because TEXT    NOT NULL DEFAULT '',
    numbers       TEXT    NOT NULL DEFAULT '[]',
    effect        TEXT    NOT NULL,
    -- For mail in review: open, accepted, assigned or dismissed.
    review        TEXT,
    -- The mail itself while it waits for review, so that a later registration can match it.
    raw           BLOB
) STRICT;

CREATE INDEX messages_by_message_id ON messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_by_application ON messages (application) WHERE application IS NOT NULL;
CREATE INDEX messages_to_review ON messages (received_at) WHERE review = 'open';

-- Append-only; what is taken back is named by a further event.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    application INTEGER NOT NULL REFERENCES applications (id),
    at          INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    message     INTEGER REFERENCES messages (id),
    text        TEXT,
    undoes      INTEGER REFERENCES events (id)
) STRICT;

CREATE INDEX events_by_application ON events (application, at);
CREATE INDEX events_by_message ON events (message) WHERE message IS NOT NULL;

-- Message-IDs and ticket numbers that lead to an application, learnt from recorded mail alone.
CREATE TABLE threads (
    message_id  TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (message_id, application)
) STRICT, WITHOUT ROWID;

CREATE TABLE tickets (
    ticket      TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (ticket, application)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What makes it the same alert: raising it again changes nothing.
    key          TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    application  INTEGER REFERENCES applications (id),
    title        TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    delivered_at INTEGER,
    -- It no longer held before it could be delivered.
    withdrawn_at INTEGER,
    -- Why it could not be shown.
    last_error   TEXT
) STRICT;

CREATE INDEX alerts_to_deliver ON alerts (created_at)
    WHERE delivered_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX alerts_to_withdraw ON alerts (application) WHERE delivered_at IS NULL;

-- The spans in which a folder of an account is known to have been read completely.
CREATE TABLE coverage (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    host     TEXT    NOT NULL,
    user     TEXT    NOT NULL,
    folder   TEXT    NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT;

CREATE INDEX coverage_by_folder ON coverage (host, user, folder, until_at);

-- How far each folder has been read (RFC 3501, section 2.3.1.1).
CREATE TABLE cursors (
    host         TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    folder       TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next     INTEGER NOT NULL,
    -- How far back the reading began that led here, in seconds.
    look_back    INTEGER NOT NULL,
    -- Whether that reading was finished and its coverage recorded. If not, nobody knows any more
    -- where it began, and it begins anew.
    is_complete  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (host, user, folder)
) STRICT, WITHOUT ROWID;

-- Mails that could not be fetched; kept to be shown, never in the way of the next one.
CREATE TABLE unreadable (
    mailbox TEXT    NOT NULL,
    folder  TEXT    NOT NULL,
    uid     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    error   TEXT    NOT NULL,
    PRIMARY KEY (mailbox, folder, uid)
) STRICT, WITHOUT ROWID;

-- How each mailbox fares, for `status`.
CREATE TABLE mailboxes (
    name                TEXT PRIMARY KEY NOT NULL,
    mode                TEXT,
    last_complete_check INTEGER,
    -- Since when it cannot be read, and why; NULL while it can.
    failing_since       INTEGER,
    error               TEXT,
    hint                TEXT
) STRICT, WITHOUT ROWID;

-- Small facts about the database itself: what the cached evaluations were computed from.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
