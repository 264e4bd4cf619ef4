-- The calendars by which dates were computed, as JSON. There is one more for each change of the
-- configuration, so they are few and none is removed.
CREATE TABLE calendars (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    inputs TEXT    NOT NULL UNIQUE
) STRICT;

-- By which of them an application's dates were computed last. When another one is in force, they are
-- compared, and the history says what moved.
ALTER TABLE applications ADD COLUMN calendar INTEGER REFERENCES calendars (id);
