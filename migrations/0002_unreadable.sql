-- Mails that could not be read, by where they lie. Each is tried again with a growing pause, and
-- goes from here once it was read or is gone. What the table before it knew is found anew.
DROP TABLE unreadable;

CREATE TABLE unreadable (
    host         TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    folder       TEXT    NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,
    first_seen   INTEGER NOT NULL,
    last_tried   INTEGER NOT NULL,
    tries        INTEGER NOT NULL DEFAULT 1,
    why          TEXT    NOT NULL,
    PRIMARY KEY (host, user, folder, uid_validity, uid)
) STRICT, WITHOUT ROWID;
