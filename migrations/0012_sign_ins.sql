-- How the permission to read a mailbox stands (OAuth 2.0). The permission itself is elsewhere.
CREATE TABLE sign_ins (
    host           TEXT NOT NULL,
    user           TEXT NOT NULL,
    -- When a person signed in, and when an access token was last got by it.
    signed_in_at   INTEGER,
    renewed_at     INTEGER,
    -- When a person must sign in again, as the provider says.
    sign_in_before INTEGER,
    -- Since when a person must sign in, and why; NULL while nobody must.
    needed_since   INTEGER,
    reason         TEXT,
    PRIMARY KEY (host, user)
) STRICT, WITHOUT ROWID;
