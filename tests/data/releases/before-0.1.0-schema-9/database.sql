PRAGMA application_id = 1094927703;
PRAGMA user_version = 9;
BEGIN TRANSACTION;
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
    withdrawn_at INTEGER, pressing INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "alerts" VALUES(1,'mail/review/5/b2237047157b6bf6bfd39785c4226df65057e312bd0ca60b5e6b181ba3e2727b','review',5,'Blue Heron Coffee Importers LLC: receipt to review','Decide with `acewatch review`.
it claims to be CBP''s, and nobody vouches for it.',1795389096,1795389096,1795389096,0);
INSERT INTO "alerts" VALUES(2,'mail/information_request/5/SA1P110MB6955DA2BBB7F@SA1P110MB6955.NAMP110.PROD.OUTLOOK.COM','information_request',5,'Blue Heron Coffee Importers LLC: CBP asks for something','Read and answer its mail (incomplete form): CBP waits.
`acewatch show 5`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(3,'mail/review//1BE047B86F51B59EA09357D9@associates.cbp.dhs.gov','review',NULL,'To review: reply in CBP''s name','Decide with `acewatch review`.
no application is registered for 77-888999900.',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(4,'mail/suspicious/3/63764f97f5d5c6b823d2780615bd783779e09efe9316f403de11220f594fc1c5','suspicious',3,'Suspicious mail in CBP''s name','Do not open its links or attachments; it moved nothing.
Report it to IEEPAFraud@cbp.dhs.gov.',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(5,'mail/approval/4/9D420A321CA1396B9C327D5B@cbp.dhs.gov','approval',4,'Tumbleweed Toys LLC: approved by CBP','The ACE account exists. Next: the first log-in.
`acewatch show 4`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(6,'window/1/acknowledgement/1793631600/overdue','overdue',1,'Juniper Trading LLC: receipt overdue since 5 Nov','Check the address and the attached PDF, then send it again.
Expected by Tue 3 Nov: `acewatch show 1`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(7,'window/1/first_response/1793631600/overdue','overdue',1,'Juniper Trading LLC: first response overdue since 9 Nov','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Thu 5 Nov: `acewatch show 1`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(8,'window/1/decision/1793631600/overdue','overdue',1,'Juniper Trading LLC: decision overdue since 16 Nov','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 9 Nov: `acewatch show 1`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(9,'window/1/decision/1793631600/reminder-1','reminder',1,'Juniper Trading LLC: decision overdue for 5 days','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 9 Nov: `acewatch show 1`',1795389096,1795389096,1795389096,0);
INSERT INTO "alerts" VALUES(10,'window/2/acknowledgement/1793631600/overdue','overdue',2,'Pelican Harbor Imports Inc: receipt overdue since 5 Nov','Check the address and the attached PDF, then send it again.
Expected by Tue 3 Nov: `acewatch show 2`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(11,'window/2/first_response/1793631600/overdue','overdue',2,'Pelican Harbor Imports…: first response overdue since 9 Nov','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Thu 5 Nov: `acewatch show 2`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(12,'window/2/decision/1793631600/overdue','overdue',2,'Pelican Harbor Imports Inc: decision overdue since 16 Nov','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 9 Nov: `acewatch show 2`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(13,'window/2/decision/1793631600/reminder-1','reminder',2,'Pelican Harbor Imports Inc: decision overdue for 5 days','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 9 Nov: `acewatch show 2`',1795389096,1795389096,1795389096,0);
INSERT INTO "alerts" VALUES(14,'told/14/window/3/first_response/1794323520/overdue','overdue',3,'Quillfeather Stationer…: first response overdue since 18 Nov','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 16 Nov: `acewatch show 3`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(15,'told/15/window/3/first_response/1794323520/reminder-1','reminder',3,'Quillfeather Stationery…: first response overdue for 3 days','Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.
Expected by Mon 16 Nov: `acewatch show 3`',1795389096,1795389096,1795389096,0);
INSERT INTO "alerts" VALUES(16,'window/4/second_approval/1795187880/due','due',4,'Tumbleweed Toys LLC: second approval mail due since 21 Nov','Nothing to do yet but to look out for it.
Expected by Sat 21 Nov: `acewatch show 4`',1795389096,1795389096,NULL,0);
INSERT INTO "alerts" VALUES(25,'mail/approval/5/6F712B389454D0F8117AEE35@cbp.dhs.gov','approval',5,'Blue Heron Coffee Importers LLC: approved by CBP','The ACE account exists. Next: the first log-in.
`acewatch show 5`',1795389096,1795389096,NULL,0);
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
    proof_needed       INTEGER, snoozed_until INTEGER, acked_at INTEGER, liquidated_on TEXT, next_cliff TEXT,
    UNIQUE (number, route)
) STRICT;
INSERT INTO "applications" VALUES(1,'Juniper Trading LLC','12-345679900','email','12-3456799','[]','[]',NULL,NULL,1795389095,'submitted','overdue',1793631600,NULL,NULL,NULL,1795496399,1795496400,1795389096,NULL,1797944400,NULL,NULL,NULL);
INSERT INTO "applications" VALUES(2,'Pelican Harbor Imports Inc','98-765430100','email','98-7654301','["Pelican Harbour"]','[]',NULL,NULL,1795389095,'closed','none',1793631600,NULL,NULL,NULL,NULL,NULL,1795389096,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "applications" VALUES(3,'Quillfeather Stationery LLC','44-555666600','email','44-5556666','[]','[]',NULL,NULL,1795389095,'acknowledged','none',1794323460,1794323520,NULL,NULL,1797137999,1797138000,1795389096,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "applications" VALUES(4,'Tumbleweed Toys LLC','66-777888800','email','66-7778888','[]','[]',NULL,NULL,1795389095,'approved','due',1794496380,NULL,1795187880,1795187880,1795447080,1795447081,1795389096,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "applications" VALUES(5,'Blue Heron Coffee Importers LLC','11-222333300','email','11-2223333','[]','[]',NULL,NULL,1795389095,'approved','none',1794842040,NULL,1795101420,1795389096,1795475496,1795475497,1795389096,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE coverage (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    host     TEXT    NOT NULL,
    user     TEXT    NOT NULL,
    folder   TEXT    NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT;
INSERT INTO "coverage" VALUES(1,'127.0.0.1','ops@broker.example','Sent',1790205095,1795389096);
INSERT INTO "coverage" VALUES(2,'127.0.0.1','ops@broker.example','INBOX',1790205096,1795389096);
INSERT INTO "coverage" VALUES(3,'127.0.0.1','ops@broker.example','Junk',1790205096,1795389096);
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
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','INBOX',1795389097,8,5184000,1);
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','Junk',1795389095,2,5184000,1);
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','Sent',1795389096,4,5184000,1);
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
INSERT INTO "decisions" VALUES(1,1,5,1795389096,'dismissed','root','','[]');
CREATE TABLE deliveries (
    alert        INTEGER NOT NULL REFERENCES alerts (id),
    channel      TEXT    NOT NULL,
    -- How often it was handed over without word of what became of it, and when last: the process may
    -- have been killed, or the other side hang. Without it a program that dies of a notice would
    -- show it at every start.
    attempts     INTEGER NOT NULL DEFAULT 0,
    attempted_at INTEGER,
    delivered_at INTEGER,
    -- Why the last attempt failed.
    last_error   TEXT,
    PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES(1,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(1,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(2,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(2,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(3,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(3,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(4,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(4,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(5,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(5,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(6,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(6,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(7,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(7,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(8,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(8,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(10,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(10,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(11,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(11,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(12,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(12,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(14,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(14,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(16,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(16,'desktop',0,NULL,NULL,'no session bus can be reached');
INSERT INTO "deliveries" VALUES(25,'command',1,1795389096,1795389096,NULL);
INSERT INTO "deliveries" VALUES(25,'desktop',0,NULL,NULL,'no session bus can be reached');
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
, decision INTEGER REFERENCES decisions (id), until_at INTEGER) STRICT;
INSERT INTO "events" VALUES(1,1,1793631600,1795389095,'submitted','command',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,2,1793631600,1795389095,'submitted','command',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(3,3,1794323460,1795389095,'submitted','message',1,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,4,1794496380,1795389095,'submitted','message',2,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(5,5,1794842040,1795389095,'submitted','message',3,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,3,1794323520,1795389096,'receipt','message',4,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(7,5,1795101420,1795389096,'information_request','message',6,'incomplete_form',NULL,NULL,NULL);
INSERT INTO "events" VALUES(8,4,1795187880,1795389096,'approved','message',9,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(9,1,1795389096,1795389096,'call','command',NULL,'they will call back (ticket INC0012345)',NULL,NULL,NULL);
INSERT INTO "events" VALUES(10,1,1795389096,1795389096,'snoozed','command',NULL,'the client is away',NULL,NULL,1797944400);
INSERT INTO "events" VALUES(11,3,1795389096,1795389096,'acknowledged','command',NULL,NULL,NULL,NULL,1795389095);
INSERT INTO "events" VALUES(12,3,1795389096,1795389096,'extended','command',NULL,'CBP named a later date',NULL,NULL,1797051600);
INSERT INTO "events" VALUES(13,2,1795389096,1795389096,'edited','command',NULL,'alias added: Pelican Harbour',NULL,NULL,NULL);
INSERT INTO "events" VALUES(14,2,1795389096,1795389096,'closed','command',NULL,'the client withdrew',NULL,NULL,NULL);
INSERT INTO "events" VALUES(15,5,1795389096,1795389096,'approved','message',10,NULL,NULL,NULL,NULL);
CREATE TABLE facts (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "facts" VALUES('basis','0.1.0 ops@broker.example@127.0.0.1 [Named("INBOX"), SpecialUse("\\Junk")] Some(SpecialUse("\\Sent")) America/New_York None  Windows { routes: [(Email, [WindowRule { name: "acknowledgement", awaits: "CBP''s receipt", short: "receipt", owes: Cbp, opens_on: [Sent], closes_on: [Receipt, Reply, Decision], due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None, lapses: false, advice: "Check the address and the attached PDF, then send it again." }, WindowRule { name: "first_response", awaits: "CBP''s first response", short: "first response", owes: Cbp, opens_on: [Receipt, Sent], closes_on: [Reply, Decision], due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "decision", awaits: "CBP''s decision", short: "decision", owes: Cbp, opens_on: [Submitted, Receipt], closes_on: [Decision], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }), lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "your_answer", awaits: "your answer to CBP", short: "your answer", owes: You, opens_on: [Request], closes_on: [Answer], due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "CBP waits for you: answer its mail." }, WindowRule { name: "second_approval", awaits: "CBP''s second approval mail", short: "second approval mail", owes: Cbp, opens_on: [Approval], closes_on: [SecondApproval, FirstLogin], due: Span { n: 24, unit: Hours }, overdue: Span { n: 72, unit: Hours }, critical: None, lapses: false, advice: "Look for the mail with the link, or call 1-866-530-4172." }, WindowRule { name: "activation", awaits: "the first log-in", short: "first log-in", owes: You, opens_on: [Approval], closes_on: [FirstLogin], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 18, unit: Calendar }), lapses: true, advice: "Log in to ACE: the approval''s link expires after 21 days." }, WindowRule { name: "login", awaits: "the next log-in", short: "log-in", owes: You, opens_on: [Login], closes_on: [], due: Span { n: 35, unit: Calendar }, overdue: Span { n: 40, unit: Calendar }, critical: Some(Span { n: 43, unit: Calendar }), lapses: true, advice: "Log in to ACE: unused for 45 days, an account is locked." }]), (WebImporter, [WindowRule { name: "acknowledgement", awaits: "CBP''s receipt", short: "receipt", owes: Cbp, opens_on: [Sent], closes_on: [Receipt, Reply, Decision], due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None, lapses: false, advice: "Check the address and the attached PDF, then send it again." }, WindowRule { name: "first_response", awaits: "CBP''s first response", short: "first response", owes: Cbp, opens_on: [Receipt, Sent], closes_on: [Reply, Decision], due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "decision", awaits: "CBP''s decision", short: "decision", owes: Cbp, opens_on: [Submitted, Receipt], closes_on: [Decision], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }), lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "your_answer", awaits: "your answer to CBP", short: "your answer", owes: You, opens_on: [Request], closes_on: [Answer], due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "CBP waits for you: answer its mail." }, WindowRule { name: "second_approval", awaits: "CBP''s second approval mail", short: "second approval mail", owes: Cbp, opens_on: [Approval], closes_on: [SecondApproval, FirstLogin], due: Span { n: 24, unit: Hours }, overdue: Span { n: 72, unit: Hours }, critical: None, lapses: false, advice: "Look for the mail with the link, or call 1-866-530-4172." }, WindowRule { name: "activation", awaits: "the first log-in", short: "first log-in", owes: You, opens_on: [Approval], closes_on: [FirstLogin], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 18, unit: Calendar }), lapses: true, advice: "Log in to ACE: the approval''s link expires after 21 days." }, WindowRule { name: "login", awaits: "the next log-in", short: "log-in", owes: You, opens_on: [Login], closes_on: [], due: Span { n: 35, unit: Calendar }, overdue: Span { n: 40, unit: Calendar }, critical: Some(Span { n: 43, unit: Calendar }), lapses: true, advice: "Log in to ACE: unused for 45 days, an account is locked." }]), (WebGeneral, [WindowRule { name: "acknowledgement", awaits: "CBP''s receipt", short: "receipt", owes: Cbp, opens_on: [Sent], closes_on: [Receipt, Reply, Decision], due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None, lapses: false, advice: "Check the address and the attached PDF, then send it again." }, WindowRule { name: "first_response", awaits: "CBP''s first response", short: "first response", owes: Cbp, opens_on: [Receipt, Sent], closes_on: [Reply, Decision], due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "decision", awaits: "CBP''s decision", short: "decision", owes: Cbp, opens_on: [Submitted, Receipt], closes_on: [Decision], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }), lapses: false, advice: "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172." }, WindowRule { name: "your_answer", awaits: "your answer to CBP", short: "your answer", owes: You, opens_on: [Request], closes_on: [Answer], due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None, lapses: false, advice: "CBP waits for you: answer its mail." }, WindowRule { name: "second_approval", awaits: "CBP''s second approval mail", short: "second approval mail", owes: Cbp, opens_on: [Approval], closes_on: [SecondApproval, FirstLogin], due: Span { n: 24, unit: Hours }, overdue: Span { n: 72, unit: Hours }, critical: None, lapses: false, advice: "Look for the mail with the link, or call 1-866-530-4172." }, WindowRule { name: "activation", awaits: "the first log-in", short: "first log-in", owes: You, opens_on: [Approval], closes_on: [FirstLogin], due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 18, unit: Calendar }), lapses: true, advice: "Log in to ACE: the approval''s link expires after 21 days." }, WindowRule { name: "login", awaits: "the next log-in", short: "log-in", owes: You, opens_on: [Login], closes_on: [], due: Span { n: 35, unit: Calendar }, overdue: Span { n: 40, unit: Calendar }, critical: Some(Span { n: 43, unit: Calendar }), lapses: true, advice: "Log in to ACE: unused for 45 days, an account is locked." }])] } [Span { n: 2, unit: Business }, Span { n: 7, unit: Calendar }]');
INSERT INTO "facts" VALUES('channel/command','2026-11-22T23:11:36+00:00');
CREATE TABLE learnt_names (
    name        TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    written     TEXT    NOT NULL,
    message     INTEGER NOT NULL REFERENCES messages (id),
    learnt_at   INTEGER NOT NULL,
    PRIMARY KEY (name, application)
) STRICT, WITHOUT ROWID;
CREATE TABLE mailboxes (
    name                TEXT PRIMARY KEY NOT NULL,
    mode                TEXT,
    last_complete_check INTEGER,
    -- Since when it cannot be read, and why; NULL while it can.
    failing_since       INTEGER,
    error               TEXT,
    hint                TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "mailboxes" VALUES('ops','push',1795389096,NULL,NULL,NULL);
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
, rule TEXT, unrecognised INTEGER NOT NULL DEFAULT 0, dkim TEXT) STRICT;
INSERT INTO "messages" VALUES(1,'ebd75d1ed1f627dd133e18605b5c60248d32fa6a91b4d65dbb8defc200469060','quillfeather-0003@broker.example','ops','Sent','sent',1794323460,1795389095,'Entry Ops <ops@broker.example>','Quillfeather Stationery LLC 44-555666600','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,3,'[]','our own submission of an application that is not registered yet','["44-555666600"]','recorded',NULL,X'46726F6D3A2022456E747279204F707322203C6F70734062726F6B65722E6578616D706C653E0D0A546F3A204143452E4170706C69636174696F6E73406362702E6468732E676F760D0A5375626A6563743A205175696C6C666561746865722053746174696F6E657279204C4C432034342D3535353636363630300D0A446174653A205475652C203130204E6F7620323032362031353A31313A3030202B303030300D0A4D6573736167652D49443A203C7175696C6C666561746865722D303030334062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A206D756C7469706172742F6D697865643B20626F756E646172793D225F3030305F353238353263616161316535303662385F220D0A0D0A2D2D5F3030305F353238353263616161316535303662385F0D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20386269740D0A0D0A4170706C69636174696F6E2061747461636865642E0D0A2D2D5F3030305F353238353263616161316535303662385F0D0A436F6E74656E742D547970653A206170706C69636174696F6E2F7064663B206E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D446973706F736974696F6E3A206174746163686D656E743B2066696C656E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D5472616E736665722D456E636F64696E673A206261736536340D0A0D0A0D0A2D2D5F3030305F353238353263616161316535303662385F2D2D0D0A',NULL,0,NULL);
INSERT INTO "messages" VALUES(2,'01e51e5bfe22536d55f104f6a0fb663e5ebfba024db5503351045c8c57a115a9','tumbleweed-0011@broker.example','ops','Sent','sent',1794496380,1795389095,'Entry Ops <ops@broker.example>','Tumbleweed Toys LLC 66-777888800','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,4,'[]','our own submission of an application that is not registered yet','["66-777888800"]','recorded',NULL,X'46726F6D3A2022456E747279204F707322203C6F70734062726F6B65722E6578616D706C653E0D0A546F3A204143452E4170706C69636174696F6E73406362702E6468732E676F760D0A5375626A6563743A2054756D626C657765656420546F7973204C4C432036362D3737373838383830300D0A446174653A205468752C203132204E6F7620323032362031353A31333A3030202B303030300D0A4D6573736167652D49443A203C74756D626C65776565642D303031314062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A206D756C7469706172742F6D697865643B20626F756E646172793D225F3030305F633564656239663262646135393763635F220D0A0D0A2D2D5F3030305F633564656239663262646135393763635F0D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20386269740D0A0D0A4170706C69636174696F6E206F662054756D626C657765656420546F7973204C4C432C206865616471756172746572732C207375666669782030302E0D0A2D2D5F3030305F633564656239663262646135393763635F0D0A436F6E74656E742D547970653A206170706C69636174696F6E2F7064663B206E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D446973706F736974696F6E3A206174746163686D656E743B2066696C656E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D5472616E736665722D456E636F64696E673A206261736536340D0A0D0A0D0A2D2D5F3030305F633564656239663262646135393763635F2D2D0D0A',NULL,0,NULL);
INSERT INTO "messages" VALUES(3,'bd3c626863903e33d7e765db2e61f8f1f9a14d60ac9b2e298ac45c15f0720480','blue-heron-0001@broker.example','ops','Sent','sent',1794842040,1795389095,'Entry Ops <ops@broker.example>','Blue Heron Coffee Importers LLC, EIN 11-2223333','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,5,'[]','our own submission of an application that is not registered yet','["11-2223333"]','recorded',NULL,X'46726F6D3A2022456E747279204F707322203C6F70734062726F6B65722E6578616D706C653E0D0A546F3A204143452E4170706C69636174696F6E73406362702E6468732E676F760D0A5375626A6563743A20426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432C2045494E2031312D323232333333330D0A446174653A204D6F6E2C203136204E6F7620323032362031353A31343A3030202B303030300D0A4D6573736167652D49443A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A206D756C7469706172742F6D697865643B20626F756E646172793D225F3030305F396238336536373332333237663930345F220D0A0D0A2D2D5F3030305F396238336536373332333237663930345F0D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20386269740D0A0D0A41747461636865642069732074686520414345206163636F756E74206170706C69636174696F6E206F6620426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432E0D0A2D2D5F3030305F396238336536373332333237663930345F0D0A436F6E74656E742D547970653A206170706C69636174696F6E2F7064663B206E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D446973706F736974696F6E3A206174746163686D656E743B2066696C656E616D653D226163652D6163636F756E742D6170706C69636174696F6E2E706466220D0A436F6E74656E742D5472616E736665722D456E636F64696E673A206261736536340D0A0D0A0D0A2D2D5F3030305F396238336536373332333237663930345F2D2D0D0A',NULL,0,NULL);
INSERT INTO "messages" VALUES(4,'156caf7e4fbcd6c233674f68c4cf327223c4633f8ab34b647f4114268cfe8fb6','7C8C84BEF5182DD8C79A4B28@cbp.dhs.gov','ops','INBOX','inbox',1794323520,1795389096,'ACE Applications <ACE.Applications@cbp.dhs.gov>','Automatic reply: Quillfeather Stationery LLC 44-555666600','receipt',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","receipt.words: “thank you for your e-mail”","it stands in the thread of the submission, and the number agrees"]','matched','thread',3,'[3]','it stands in the thread of the submission, and the number agrees','["44-555666600"]','recorded',NULL,X'52657475726E2D506174683A203C4143452E4170706C69636174696F6E73406362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642037633863383462656635313820666F72203C6F70734062726F6B65722E6578616D706C653E3B205475652C203130204E6F7620323032362031353A31323A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A09646B696D3D70617373206865616465722E643D6362702E6468732E676F76206865616465722E733D6362703230323561206865616465722E623D66476D46525848343B0D0A09646D6172633D706173732028706F6C6963793D72656A65637429206865616465722E66726F6D3D6362702E6468732E676F763B0D0A097370663D7061737320736D74702E6D61696C66726F6D3D4143452E4170706C69636174696F6E73406362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6362702E6468732E676F7620286D61696C332E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964204532313133463833353632450D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B205475652C203130204E6F7620323032362031353A31323A3030202B303030300D0A46726F6D3A2022414345204170706C69636174696F6E7322203C4143452E4170706C69636174696F6E73406362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A204175746F6D61746963207265706C793A205175696C6C666561746865722053746174696F6E657279204C4C432034342D3535353636363630300D0A446174653A205475652C203130204E6F7620323032362031353A31323A3030202B303030300D0A4D6573736167652D49443A203C374338433834424546353138324444384337394134423238406362702E6468732E676F763E0D0A496E2D5265706C792D546F3A203C7175696C6C666561746865722D303030334062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C7175696C6C666561746865722D303030334062726F6B65722E6578616D706C653E0D0A4175746F2D5375626D69747465643A206175746F2D67656E6572617465640D0A582D4175746F2D526573706F6E73652D53757070726573733A20416C6C0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A5468616E6B20796F7520666F7220796F757220652D6D61696C2E20596F7572206170706C69636174696F6E20686173206265656E20726563656976656420616E642077696C6C2062650D0A726576696577656420696E20746865206F7264657220696E2077686963682069742063616D652E20506C6561736520616C6C6F7720332D3520627573696E657373206461797320666F7220610D0A666972737420726573706F6E73652E2054686973206D65737361676520646F6573206E6F74206D65616E207468617420746865206163636F756E7420697320617070726F7665642E0D0A','receipt.words',0,NULL);
INSERT INTO "messages" VALUES(5,'b2237047157b6bf6bfd39785c4226df65057e312bd0ca60b5e6b181ba3e2727b','1A366AC698C8E39171B3274A@cbp.dhs.gov','ops','INBOX','inbox',1794842100,1795389096,'ACE Applications <ACE.Applications@cbp.dhs.gov>','Automatic reply: Blue Heron Coffee Importers LLC, EIN 11-2223333','receipt',NULL,'unverified','["mx.broker.example says dmarc=temperror","receipt.words: “thank you for your e-mail”","it claims to be CBP''s, and nobody vouches for it"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','ignored','dismissed',X'52657475726E2D506174683A203C4143452E4170706C69636174696F6E73406362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642031613336366163363938633820666F72203C6F70734062726F6B65722E6578616D706C653E3B204D6F6E2C203136204E6F7620323032362031353A31353A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A09646B696D3D74656D706572726F72206865616465722E643D6362702E6468732E676F76206865616465722E733D6362703230323561206865616465722E623D66476D46525848343B0D0A09646D6172633D74656D706572726F722028706F6C6963793D72656A65637429206865616465722E66726F6D3D6362702E6468732E676F763B0D0A097370663D74656D706572726F7220736D74702E6D61696C66726F6D3D4143452E4170706C69636174696F6E73406362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6362702E6468732E676F7620286D61696C332E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964203446303243353639313441430D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B204D6F6E2C203136204E6F7620323032362031353A31353A3030202B303030300D0A46726F6D3A2022414345204170706C69636174696F6E7322203C4143452E4170706C69636174696F6E73406362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A204175746F6D61746963207265706C793A20426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432C2045494E2031312D323232333333330D0A446174653A204D6F6E2C203136204E6F7620323032362031353A31353A3030202B303030300D0A4D6573736167652D49443A203C314133363641433639384338453339313731423332373441406362702E6468732E676F763E0D0A496E2D5265706C792D546F3A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A4175746F2D5375626D69747465643A206175746F2D67656E6572617465640D0A582D4175746F2D526573706F6E73652D53757070726573733A20416C6C0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A5468616E6B20796F7520666F7220796F757220652D6D61696C2E20596F7572206170706C69636174696F6E20686173206265656E20726563656976656420616E642077696C6C2062650D0A726576696577656420696E20746865206F7264657220696E2077686963682069742063616D652E20506C6561736520616C6C6F7720332D3520627573696E657373206461797320666F7220610D0A666972737420726573706F6E73652E2054686973206D65737361676520646F6573206E6F74206D65616E207468617420746865206163636F756E7420697320617070726F7665642E0D0A','receipt.words',0,NULL);
INSERT INTO "messages" VALUES(6,'bc959345c6ff5b7e8fc95ddab7a7a74a2dcd40ae682e48ddde066d2070c29baf','SA1P110MB6955DA2BBB7F@SA1P110MB6955.NAMP110.PROD.OUTLOOK.COM','ops','INBOX','inbox',1795101420,1795389096,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','RE: Blue Heron Coffee Importers LLC, EIN 11-2223333','information_request','incomplete_form','authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","request.conditional: “and we will go … please send”","incomplete_form: “signature on page 2 is missing”","it stands in the thread of the submission, and the number agrees"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','recorded',NULL,X'52657475726E2D506174683A203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642039363832333363666537336620666F72203C6F70734062726F6B65722E6578616D706C653E3B205468752C203139204E6F7620323032362031353A31373A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A20202020202020646B696D3D70617373206865616465722E693D406362702E6468732E676F76206865616465722E733D6B31206865616465722E623D4F564757617835343B0D0A202020202020207370663D7061737320286D782E62726F6B65722E6578616D706C653A20646F6D61696E206F6620726567696E612E6C6F6D6178406362702E6468732E676F762064657369676E617465730D0A20202020202020203139382E35312E3130302E3234206173207065726D69747465642073656E6465722920736D74702E6D61696C66726F6D3D726567696E612E6C6F6D6178406362702E6468732E676F763B0D0A20202020202020646D6172633D706173732028703D52454A4543542073703D52454A454354206469733D4E4F4E4529206865616465722E66726F6D3D6362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6362702E6468732E676F7620286D61696C332E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964203536443233303042383441450D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B205468752C203139204E6F7620323032362031353A31373A3030202B303030300D0A46726F6D3A20224C4F4D41582C20524547494E4122203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A2052453A20426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432C2045494E2031312D323232333333330D0A446174653A205468752C203139204E6F7620323032362031353A31373A3030202B303030300D0A4D6573736167652D49443A203C534131503131304D4236393535444132424242374640534131503131304D42363935352E4E414D503131302E50524F442E4F55544C4F4F4B2E434F4D3E0D0A496E2D5265706C792D546F3A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A476F6F642061667465726E6F6F6E2C0D0A0D0A74686520636F72706F72617465206F6666696365722773207369676E6174757265206F6E20706167652032206973206D697373696E672E20506C656173652073656E6420746865207369676E65640D0A706167652C20616E642077652077696C6C20676F206F6E207769746820746865206170706C69636174696F6E2E0D0A0D0A526567696E61204C6F6D61780D0A414345204163636F756E7420536572766963650D0A0D0A2D2D2D2D2D4F726967696E616C204D6573736167652D2D2D2D2D0D0A46726F6D3A20456E747279204F7073203C6F70734062726F6B65722E6578616D706C653E0D0A53656E743A205468752C203139204E6F7620323032362031353A31373A3030202B303030300D0A546F3A20414345204170706C69636174696F6E730D0A5375626A6563743A20426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432C2045494E2031312D323232333333330D0A0D0A41747461636865642069732074686520414345206163636F756E74206170706C69636174696F6E206F6620426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432E0D0A','request.conditional',0,NULL);
INSERT INTO "messages" VALUES(7,'8e433d640642b9e1a9f011989813d7a0acdd3d2c4f20f02e512e95b108ab314e','1BE047B86F51B59EA09357D9@associates.cbp.dhs.gov','ops','INBOX','inbox',1795187940,1795389096,'Stendahl, Pieter (CTR) <pieter.stendahl@associates.cbp.dhs.gov>','RE: Granite Peak Outfitters LLC 77-888999900','reply',NULL,'authentic','["mx.broker.example says dmarc=pass for associates.cbp.dhs.gov","reply.other: “nothing more particular fits”","no application is registered for 77-888999900"]','unmatched',NULL,NULL,'[]','no application is registered for 77-888999900','["77-888999900"]','review','open',X'52657475726E2D506174683A203C7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642031626530343762383666353120666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A20202020202020646B696D3D70617373206865616465722E693D406173736F6369617465732E6362702E6468732E676F76206865616465722E733D6B31206865616465722E623D4F564757617835343B0D0A202020202020207370663D7061737320286D782E62726F6B65722E6578616D706C653A20646F6D61696E206F66207069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F762064657369676E617465730D0A20202020202020203139382E35312E3130302E3234206173207065726D69747465642073656E6465722920736D74702E6D61696C66726F6D3D7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763B0D0A20202020202020646D6172633D706173732028703D52454A4543542073703D52454A454354206469733D4E4F4E4529206865616465722E66726F6D3D6173736F6369617465732E6362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6173736F6369617465732E6362702E6468732E676F7620286D61696C332E6173736F6369617465732E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964204243453330354437423742460D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A46726F6D3A20225374656E6461686C2C2050696574657220284354522922203C7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A2052453A204772616E697465205065616B204F757466697474657273204C4C432037372D3838383939393930300D0A446174653A204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A4D6573736167652D49443A203C314245303437423836463531423539454130393335374439406173736F6369617465732E6362702E6468732E676F763E0D0A496E2D5265706C792D546F3A203C6772616E6974652D303030394062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C6772616E6974652D303030394062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A48656C6C6F2C2049206861766520796F75722066696C6520616E6420616D206C6F6F6B696E6720696E746F2069742E204E6F7468696E6720686173206265656E20646563696465642E0D0A0D0A506965746572205374656E6461686C0D0A','reply.other',1,NULL);
INSERT INTO "messages" VALUES(8,'63764f97f5d5c6b823d2780615bd783779e09efe9316f403de11220f594fc1c5','EA4E615786753F09C1B15439@cbp.dhs.gov','ops','INBOX','inbox',1795188000,1795389096,'ACE Applications <ace.applications@cbp.dhs.gov>','RE: Quillfeather Stationery LLC 44-555666600','approval',NULL,'forged','["mx.broker.example says dmarc=fail","approval.words: “application is approved”","it claims to be CBP''s and is not"]','matched','number',3,'[3]','it names the importer number','["44-555666600"]','quarantined',NULL,NULL,'approval.words',0,NULL);
INSERT INTO "messages" VALUES(9,'5c05f91b137ea463118fb41a03a943d1f089a3214820d452de0b8de75b2d7f9c','9D420A321CA1396B9C327D5B@cbp.dhs.gov','ops','Junk','junk',1795187880,1795389096,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','Tumbleweed Toys LLC, EIN 66-7778888','approval',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","approval.words: “account is open”","it names the importer number"]','matched','number',4,'[4]','it names the importer number','["66-777888800"]','recorded',NULL,X'52657475726E2D506174683A203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642039643432306133323163613120666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31383A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A09646B696D3D70617373206865616465722E643D6362702E6468732E676F76206865616465722E733D6362703230323561206865616465722E623D66476D46525848343B0D0A09646D6172633D706173732028706F6C6963793D72656A65637429206865616465722E66726F6D3D6362702E6468732E676F763B0D0A097370663D7061737320736D74702E6D61696C66726F6D3D726567696E612E6C6F6D6178406362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6362702E6468732E676F7620286D61696C332E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964203537453545304338333337300D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31383A3030202B303030300D0A46726F6D3A20224C4F4D41582C20524547494E4122203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A2054756D626C657765656420546F7973204C4C432C2045494E2036362D373737383838380D0A446174653A204672692C203230204E6F7620323032362031353A31383A3030202B303030300D0A4D6573736167652D49443A203C394434323041333231434131333936423943333237443542406362702E6468732E676F763E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A546865206170706C69636174696F6E20666F722045494E2036362D3737373838383820686173206265656E20617070726F76656420616E6420746865206163636F756E74206973206F70656E2E0D0A0D0A526567696E61204C6F6D61780D0A','approval.words',0,NULL);
INSERT INTO "messages" VALUES(10,'41c53596f005eb7343f3e182d7a46756055da11582b03f4bb71b49c3a80bad23','6F712B389454D0F8117AEE35@cbp.dhs.gov','ops','INBOX','inbox',1795389096,1795389096,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','RE: Blue Heron Coffee Importers LLC, EIN 11-2223333','approval',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","approval.words: “application of the company has been approved”","it stands in the thread of the submission, and the number agrees"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','recorded',NULL,X'52657475726E2D506174683A203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642036663731326233383934353420666F72203C6F70734062726F6B65722E6578616D706C653E3B2053756E2C203232204E6F7620323032362032333A31313A3335202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A20202020202020646B696D3D70617373206865616465722E693D406362702E6468732E676F76206865616465722E733D6B31206865616465722E623D4F564757617835343B0D0A202020202020207370663D7061737320286D782E62726F6B65722E6578616D706C653A20646F6D61696E206F6620726567696E612E6C6F6D6178406362702E6468732E676F762064657369676E617465730D0A20202020202020203139382E35312E3130302E3234206173207065726D69747465642073656E6465722920736D74702E6D61696C66726F6D3D726567696E612E6C6F6D6178406362702E6468732E676F763B0D0A20202020202020646D6172633D706173732028703D52454A4543542073703D52454A454354206469733D4E4F4E4529206865616465722E66726F6D3D6362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6362702E6468732E676F7620286D61696C332E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964204530384333414334433131350D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B2053756E2C203232204E6F7620323032362032333A31313A3335202B303030300D0A46726F6D3A20224C4F4D41582C20524547494E4122203C726567696E612E6C6F6D6178406362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A2052453A20426C7565204865726F6E20436F6666656520496D706F7274657273204C4C432C2045494E2031312D323232333333330D0A446174653A2053756E2C203232204E6F7620323032362032333A31313A3335202B303030300D0A4D6573736167652D49443A203C364637313242333839343534443046383131374145453335406362702E6468732E676F763E0D0A496E2D5265706C792D546F3A203C626C75652D6865726F6E2D303030344062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C626C75652D6865726F6E2D303030314062726F6B65722E6578616D706C653E0D0A203C534131503131304D4236393535444132424242374640534131503131304D42363935352E4E414D503131302E50524F442E4F55544C4F4F4B2E434F4D3E0D0A203C626C75652D6865726F6E2D303030344062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A5468616E6B20796F7520666F722074686520706167652E20546865206170706C69636174696F6E206F6620426C7565204865726F6E20436F6666656520496D706F7274657273204C4C43206861730D0A6265656E20617070726F7665642E20546865206163636F756E74206F776E657220726563656976657320746865206C6F672D696E20627920736570617261746520652D6D61696C2E0D0A0D0A526567696E61204C6F6D61780D0A414345204163636F756E7420536572766963650D0A','approval.words',0,NULL);
CREATE TABLE names (
    name        TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    PRIMARY KEY (name, application)
) STRICT, WITHOUT ROWID;
INSERT INTO "names" VALUES('juniper trading',1);
INSERT INTO "names" VALUES('pelican harbor imports',2);
INSERT INTO "names" VALUES('pelican harbour',2);
INSERT INTO "names" VALUES('quillfeather stationery',3);
INSERT INTO "names" VALUES('tumbleweed toys',4);
INSERT INTO "names" VALUES('blue heron coffee importers',5);
CREATE TABLE receipts (
    message     INTEGER PRIMARY KEY REFERENCES messages (id),
    application INTEGER NOT NULL REFERENCES applications (id),
    -- In lower case.
    sender      TEXT    NOT NULL,
    -- When the submission was sent that it confirms, and when it came.
    sent_at     INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
INSERT INTO "receipts" VALUES(4,3,'ops@broker.example',1794323460,1794323520);
CREATE TABLE threads (
    message_id  TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (message_id, application)
) STRICT, WITHOUT ROWID;
INSERT INTO "threads" VALUES('6F712B389454D0F8117AEE35@cbp.dhs.gov',5,10);
INSERT INTO "threads" VALUES('7C8C84BEF5182DD8C79A4B28@cbp.dhs.gov',3,4);
INSERT INTO "threads" VALUES('9D420A321CA1396B9C327D5B@cbp.dhs.gov',4,9);
INSERT INTO "threads" VALUES('SA1P110MB6955DA2BBB7F@SA1P110MB6955.NAMP110.PROD.OUTLOOK.COM',5,6);
INSERT INTO "threads" VALUES('blue-heron-0001@broker.example',5,3);
INSERT INTO "threads" VALUES('quillfeather-0003@broker.example',3,1);
INSERT INTO "threads" VALUES('tumbleweed-0011@broker.example',4,2);
CREATE TABLE "tickets" (
    ticket      TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER REFERENCES messages (id),
    PRIMARY KEY (ticket, application)
) STRICT, WITHOUT ROWID;
INSERT INTO "tickets" VALUES('INC0012345',1,NULL);
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
CREATE INDEX applications_by_ein ON applications (ein);
CREATE INDEX applications_by_urgency ON applications (attention, next_deadline);
CREATE INDEX applications_to_evaluate ON applications (next_evaluation_at)
    WHERE next_evaluation_at IS NOT NULL;
CREATE INDEX applications_to_prove ON applications (proof_needed)
    WHERE proof_needed IS NOT NULL;
CREATE INDEX applications_evaluated ON applications (evaluated_at);
CREATE INDEX messages_by_message_id ON messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_by_application ON messages (application) WHERE application IS NOT NULL;
CREATE INDEX messages_to_review ON messages (received_at) WHERE review = 'open';
CREATE INDEX events_by_application ON events (application, at);
CREATE INDEX events_by_message ON events (message) WHERE message IS NOT NULL;
CREATE INDEX alerts_to_deliver ON alerts (created_at)
    WHERE delivered_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX coverage_by_folder ON coverage (host, user, folder, until_at);
CREATE INDEX alerts_by_delivery ON alerts (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX unreadable_by_age ON unreadable (host, user, first_seen);
CREATE INDEX messages_unrecognised ON messages (received_at) WHERE unrecognised = 1;
CREATE INDEX messages_kept ON messages (recorded_at)
    WHERE raw IS NOT NULL AND review IS NOT 'open';
CREATE INDEX decisions_by_message ON decisions (message);
CREATE INDEX decisions_by_batch ON decisions (batch);
CREATE INDEX learnt_names_by_application ON learnt_names (application);
CREATE INDEX learnt_names_by_message ON learnt_names (message);
CREATE INDEX names_by_application ON names (application);
CREATE INDEX receipts_by_sender ON receipts (sender, sent_at);
CREATE INDEX applications_awaiting_receipt ON applications (id) WHERE stage = 'submitted';
CREATE INDEX alerts_by_application ON alerts (application) WHERE application IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('applications',5);
INSERT INTO "sqlite_sequence" VALUES('events',15);
INSERT INTO "sqlite_sequence" VALUES('messages',10);
INSERT INTO "sqlite_sequence" VALUES('alerts',25);
INSERT INTO "sqlite_sequence" VALUES('coverage',3);
INSERT INTO "sqlite_sequence" VALUES('decisions',1);
COMMIT;
