PRAGMA application_id = 1094927703;
PRAGMA user_version = 1;
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
    withdrawn_at INTEGER,
    -- Why it could not be shown.
    last_error   TEXT
) STRICT;
INSERT INTO "alerts" VALUES(1,'mail/review/5/b2237047157b6bf6bfd39785c4226df65057e312bd0ca60b5e6b181ba3e2727b','review',5,'To review: receipt for Blue Heron Coffee Importers LLC','it claims to be CBP''s, and nobody vouches for it. See `acewatch review`.',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(2,'mail/information_request/5/SA1P110MB6955DA2BBB7F@SA1P110MB6955.NAMP110.PROD.OUTLOOK.COM','information_request',5,'CBP asks: Blue Heron Coffee Importers LLC','CBP wants something before it goes on (incomplete form). Read and answer the mail. `acewatch show 5`',1795389604,NULL,1795389605,'no session bus can be reached');
INSERT INTO "alerts" VALUES(3,'mail/review//1BE047B86F51B59EA09357D9@associates.cbp.dhs.gov','review',NULL,'To review: reply in CBP''s name','no application is registered for 77-888999900. See `acewatch review`.',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(4,'mail/suspicious/3/63764f97f5d5c6b823d2780615bd783779e09efe9316f403de11220f594fc1c5','suspicious',3,'Suspicious mail in CBP''s name','It moved nothing. Do not open its links or attachments; report it to IEEPAFraud@cbp.dhs.gov.',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(5,'mail/approval/4/9D420A321CA1396B9C327D5B@cbp.dhs.gov','approval',4,'Approved: Tumbleweed Toys LLC','CBP says the ACE account exists. Next: the first log-in. `acewatch show 4`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(6,'window/1/acknowledgement/1793631600/overdue','overdue',1,'Overdue: CBP''s receipt for Juniper Trading LLC','Expected by Thu 5 Nov. It may not have arrived. Check the address and the attachment, then send it again. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(7,'window/1/acknowledgement/1793631600/reminder-2','reminder',1,'Still nothing: CBP''s receipt for Juniper Trading LLC','Overdue for 16 days. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(8,'window/1/first_response/1793631600/overdue','overdue',1,'Overdue: CBP''s first response for Juniper Trading LLC','Expected by Mon 9 Nov. Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172, option 1, then 2. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(9,'window/1/first_response/1793631600/reminder-2','reminder',1,'Still nothing: CBP''s first response for Juniper Trading LLC','Overdue for 12 days. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(10,'window/1/decision/1793631600/overdue','overdue',1,'Overdue: CBP''s decision for Juniper Trading LLC','Expected by Mon 16 Nov. Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172, option 1, then 2. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(11,'window/1/decision/1793631600/reminder-1','reminder',1,'Still nothing: CBP''s decision for Juniper Trading LLC','Overdue for 5 days. `acewatch show 1`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(12,'window/2/acknowledgement/1793631600/overdue','overdue',2,'Overdue: CBP''s receipt for Pelican Harbor Imports Inc','Expected by Thu 5 Nov. It may not have arrived. Check the address and the attachment, then send it again. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(13,'window/2/acknowledgement/1793631600/reminder-2','reminder',2,'Still nothing: CBP''s receipt for Pelican Harbor Imports Inc','Overdue for 16 days. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(14,'window/2/first_response/1793631600/overdue','overdue',2,'Overdue: CBP''s first response for Pelican Harbor Imports Inc','Expected by Mon 9 Nov. Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172, option 1, then 2. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(15,'window/2/first_response/1793631600/reminder-2','reminder',2,'Still nothing: CBP''s first response for Pelican Harbor Imports Inc','Overdue for 12 days. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(16,'window/2/decision/1793631600/overdue','overdue',2,'Overdue: CBP''s decision for Pelican Harbor Imports Inc','Expected by Mon 16 Nov. Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172, option 1, then 2. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(17,'window/2/decision/1793631600/reminder-1','reminder',2,'Still nothing: CBP''s decision for Pelican Harbor Imports Inc','Overdue for 5 days. `acewatch show 2`',1795389604,NULL,1795389604,'no session bus can be reached');
INSERT INTO "alerts" VALUES(18,'window/3/first_response/1794323520/overdue','overdue',3,'Overdue: CBP''s first response for Quillfeather Stationery LLC','Expected by Wed 18 Nov. Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172, option 1, then 2. `acewatch show 3`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(19,'window/3/first_response/1794323520/reminder-1','reminder',3,'Still nothing: CBP''s first response for Quillfeather Stationery LLC','Overdue for 3 days. `acewatch show 3`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(20,'window/3/decision/1794323460/due','due',3,'Due: CBP''s decision for Quillfeather Stationery LLC','Expected by Tue 17 Nov. Nothing to do yet but to look out for it. `acewatch show 3`',1795389604,NULL,NULL,'no session bus can be reached');
INSERT INTO "alerts" VALUES(21,'mail/approval/5/6F712B389454D0F8117AEE35@cbp.dhs.gov','approval',5,'Approved: Blue Heron Coffee Importers LLC','CBP says the ACE account exists. Next: the first log-in. `acewatch show 5`',1795389605,NULL,NULL,'no session bus can be reached');
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
INSERT INTO "applications" VALUES(1,'Juniper Trading LLC','12-345679900','email','12-3456799','[]','[]',NULL,NULL,1795389604,'submitted','overdue',1793631600,NULL,NULL,NULL,1795496399,1795496400,1795389604,NULL);
INSERT INTO "applications" VALUES(2,'Pelican Harbor Imports Inc','98-765430100','email','98-7654301','[]','[]',NULL,NULL,1795389604,'closed','none',1793631600,NULL,NULL,NULL,NULL,NULL,1795389604,NULL);
INSERT INTO "applications" VALUES(3,'Quillfeather Stationery LLC','44-555666600','email','44-5556666','[]','[]',NULL,NULL,1795389604,'acknowledged','overdue',1794323460,1794323520,NULL,NULL,1795582799,1795582800,1795389604,NULL);
INSERT INTO "applications" VALUES(4,'Tumbleweed Toys LLC','66-777888800','email','66-7778888','[]','[]',NULL,NULL,1795389604,'approved','none',1794496380,NULL,1795187880,1795187880,1795841999,1795842000,1795389604,NULL);
INSERT INTO "applications" VALUES(5,'Blue Heron Coffee Importers LLC','11-222333300','email','11-2223333','[]','[]',NULL,NULL,1795389604,'approved','none',1794842040,NULL,1795101420,1795389605,1796101199,1796101200,1795389605,NULL);
CREATE TABLE coverage (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    host     TEXT    NOT NULL,
    user     TEXT    NOT NULL,
    folder   TEXT    NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT;
INSERT INTO "coverage" VALUES(1,'127.0.0.1','ops@broker.example','Sent',1790205604,1795389605);
INSERT INTO "coverage" VALUES(2,'127.0.0.1','ops@broker.example','INBOX',1790205604,1795389605);
INSERT INTO "coverage" VALUES(3,'127.0.0.1','ops@broker.example','Junk',1790205604,1795389605);
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
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','INBOX',1795389606,8,5184000,1);
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','Junk',1795389604,2,5184000,1);
INSERT INTO "cursors" VALUES('127.0.0.1','ops@broker.example','Sent',1795389605,4,5184000,1);
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
INSERT INTO "events" VALUES(1,1,1793631600,1795389604,'submitted','command',NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,2,1793631600,1795389604,'submitted','command',NULL,NULL,NULL);
INSERT INTO "events" VALUES(3,3,1794323460,1795389604,'submitted','message',1,NULL,NULL);
INSERT INTO "events" VALUES(4,4,1794496380,1795389604,'submitted','message',2,NULL,NULL);
INSERT INTO "events" VALUES(5,5,1794842040,1795389604,'submitted','message',3,NULL,NULL);
INSERT INTO "events" VALUES(6,3,1794323520,1795389604,'receipt','message',4,NULL,NULL);
INSERT INTO "events" VALUES(7,5,1795101420,1795389604,'information_request','message',6,'incomplete_form',NULL);
INSERT INTO "events" VALUES(8,4,1795187880,1795389604,'approved','message',9,NULL,NULL);
INSERT INTO "events" VALUES(9,2,1795389604,1795389604,'closed','command',NULL,'the client withdrew',NULL);
INSERT INTO "events" VALUES(10,5,1795389605,1795389605,'approved','message',10,NULL,NULL);
CREATE TABLE facts (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "facts" VALUES('basis','0.1.0 ops@broker.example@127.0.0.1 [Named("INBOX"), SpecialUse("\\Junk")] Some(SpecialUse("\\Sent")) America/New_York None  Windows { email: RouteWindows { acknowledgement: WindowSpans { due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None }, first_response: WindowSpans { due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, decision: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }) }, your_answer: WindowSpans { due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, activation: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 21, unit: Calendar }, critical: None } }, web_importer: RouteWindows { acknowledgement: WindowSpans { due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None }, first_response: WindowSpans { due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, decision: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }) }, your_answer: WindowSpans { due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, activation: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 21, unit: Calendar }, critical: None } }, web_general: RouteWindows { acknowledgement: WindowSpans { due: Span { n: 1, unit: Business }, overdue: Span { n: 3, unit: Business }, critical: None }, first_response: WindowSpans { due: Span { n: 3, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, decision: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 14, unit: Calendar }, critical: Some(Span { n: 21, unit: Calendar }) }, your_answer: WindowSpans { due: Span { n: 2, unit: Business }, overdue: Span { n: 5, unit: Business }, critical: None }, activation: WindowSpans { due: Span { n: 7, unit: Calendar }, overdue: Span { n: 21, unit: Calendar }, critical: None } } } [Span { n: 2, unit: Business }, Span { n: 7, unit: Calendar }]');
CREATE TABLE mailboxes (
    name                TEXT PRIMARY KEY NOT NULL,
    mode                TEXT,
    last_complete_check INTEGER,
    -- Since when it cannot be read, and why; NULL while it can.
    failing_since       INTEGER,
    error               TEXT,
    hint                TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "mailboxes" VALUES('ops','push',1795389605,NULL,NULL,NULL);
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
INSERT INTO "messages" VALUES(1,'ebd75d1ed1f627dd133e18605b5c60248d32fa6a91b4d65dbb8defc200469060','quillfeather-0003@broker.example','ops','Sent','sent',1794323460,1795389604,'Entry Ops <ops@broker.example>','Quillfeather Stationery LLC 44-555666600','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,3,'[]','our own submission of an application that is not registered yet','["44-555666600"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(2,'01e51e5bfe22536d55f104f6a0fb663e5ebfba024db5503351045c8c57a115a9','tumbleweed-0011@broker.example','ops','Sent','sent',1794496380,1795389604,'Entry Ops <ops@broker.example>','Tumbleweed Toys LLC 66-777888800','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,4,'[]','our own submission of an application that is not registered yet','["66-777888800"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(3,'bd3c626863903e33d7e765db2e61f8f1f9a14d60ac9b2e298ac45c15f0720480','blue-heron-0001@broker.example','ops','Sent','sent',1794842040,1795389604,'Entry Ops <ops@broker.example>','Blue Heron Coffee Importers LLC, EIN 11-2223333','submission',NULL,'own','["sent from one of our addresses, in the Sent folder","our own new mail to the application address","it registers the application"]','unmatched',NULL,5,'[]','our own submission of an application that is not registered yet','["11-2223333"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(4,'156caf7e4fbcd6c233674f68c4cf327223c4633f8ab34b647f4114268cfe8fb6','7C8C84BEF5182DD8C79A4B28@cbp.dhs.gov','ops','INBOX','inbox',1794323520,1795389604,'ACE Applications <ACE.Applications@cbp.dhs.gov>','Automatic reply: Quillfeather Stationery LLC 44-555666600','receipt',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","receipt.words: “thank you for your e-mail”","it stands in the thread of the submission, and the number agrees"]','matched','thread',3,'[3]','it stands in the thread of the submission, and the number agrees','["44-555666600"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(5,'b2237047157b6bf6bfd39785c4226df65057e312bd0ca60b5e6b181ba3e2727b','1A366AC698C8E39171B3274A@cbp.dhs.gov','ops','INBOX','inbox',1794842100,1795389604,'ACE Applications <ACE.Applications@cbp.dhs.gov>','Automatic reply: Blue Heron Coffee Importers LLC, EIN 11-2223333','receipt',NULL,'unverified','["mx.broker.example says dmarc=temperror","receipt.words: “thank you for your e-mail”","it claims to be CBP''s, and nobody vouches for it"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','ignored','dismissed',NULL);
INSERT INTO "messages" VALUES(6,'bc959345c6ff5b7e8fc95ddab7a7a74a2dcd40ae682e48ddde066d2070c29baf','SA1P110MB6955DA2BBB7F@SA1P110MB6955.NAMP110.PROD.OUTLOOK.COM','ops','INBOX','inbox',1795101420,1795389604,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','RE: Blue Heron Coffee Importers LLC, EIN 11-2223333','information_request','incomplete_form','authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","request.conditional: “and we will go … please send”","incomplete_form: “signature on page 2 is missing”","it stands in the thread of the submission, and the number agrees"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(7,'8e433d640642b9e1a9f011989813d7a0acdd3d2c4f20f02e512e95b108ab314e','1BE047B86F51B59EA09357D9@associates.cbp.dhs.gov','ops','INBOX','inbox',1795187940,1795389604,'Stendahl, Pieter (CTR) <pieter.stendahl@associates.cbp.dhs.gov>','RE: Granite Peak Outfitters LLC 77-888999900','reply',NULL,'authentic','["mx.broker.example says dmarc=pass for associates.cbp.dhs.gov","reply.other: “nothing more particular fits”","no application is registered for 77-888999900"]','unmatched',NULL,NULL,'[]','no application is registered for 77-888999900','["77-888999900"]','review','open',X'52657475726E2D506174683A203C7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763E0D0A44656C6976657265642D546F3A206F70734062726F6B65722E6578616D706C650D0A52656365697665643A2066726F6D206D782E62726F6B65722E6578616D706C65206279206D61696C73746F72652E62726F6B65722E6578616D706C652077697468204C4D54500D0A0969642031626530343762383666353120666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A41757468656E7469636174696F6E2D526573756C74733A206D782E62726F6B65722E6578616D706C653B0D0A20202020202020646B696D3D70617373206865616465722E693D406173736F6369617465732E6362702E6468732E676F76206865616465722E733D6B31206865616465722E623D4F564757617835343B0D0A202020202020207370663D7061737320286D782E62726F6B65722E6578616D706C653A20646F6D61696E206F66207069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F762064657369676E617465730D0A20202020202020203139382E35312E3130302E3234206173207065726D69747465642073656E6465722920736D74702E6D61696C66726F6D3D7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763B0D0A20202020202020646D6172633D706173732028703D52454A4543542073703D52454A454354206469733D4E4F4E4529206865616465722E66726F6D3D6173736F6369617465732E6362702E6468732E676F760D0A52656365697665643A2066726F6D206D61696C332E6173736F6369617465732E6362702E6468732E676F7620286D61696C332E6173736F6369617465732E6362702E6468732E676F76205B3139382E35312E3130302E32345D290D0A096279206D782E62726F6B65722E6578616D706C652028506F73746669782920776974682045534D545053206964204243453330354437423742460D0A09666F72203C6F70734062726F6B65722E6578616D706C653E3B204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A46726F6D3A20225374656E6461686C2C2050696574657220284354522922203C7069657465722E7374656E6461686C406173736F6369617465732E6362702E6468732E676F763E0D0A546F3A206F70734062726F6B65722E6578616D706C650D0A5375626A6563743A2052453A204772616E697465205065616B204F757466697474657273204C4C432037372D3838383939393930300D0A446174653A204672692C203230204E6F7620323032362031353A31393A3030202B303030300D0A4D6573736167652D49443A203C314245303437423836463531423539454130393335374439406173736F6369617465732E6362702E6468732E676F763E0D0A496E2D5265706C792D546F3A203C6772616E6974652D303030394062726F6B65722E6578616D706C653E0D0A5265666572656E6365733A203C6772616E6974652D303030394062726F6B65722E6578616D706C653E0D0A4D494D452D56657273696F6E3A20312E300D0A436F6E74656E742D547970653A20746578742F706C61696E3B20636861727365743D7574662D380D0A436F6E74656E742D5472616E736665722D456E636F64696E673A20376269740D0A0D0A48656C6C6F2C2049206861766520796F75722066696C6520616E6420616D206C6F6F6B696E6720696E746F2069742E204E6F7468696E6720686173206265656E20646563696465642E0D0A0D0A506965746572205374656E6461686C0D0A');
INSERT INTO "messages" VALUES(8,'63764f97f5d5c6b823d2780615bd783779e09efe9316f403de11220f594fc1c5','EA4E615786753F09C1B15439@cbp.dhs.gov','ops','INBOX','inbox',1795188000,1795389604,'ACE Applications <ace.applications@cbp.dhs.gov>','RE: Quillfeather Stationery LLC 44-555666600','approval',NULL,'forged','["mx.broker.example says dmarc=fail","approval.words: “is approved”","it claims to be CBP''s and is not"]','matched','number',3,'[3]','it names the importer number','["44-555666600"]','quarantined',NULL,NULL);
INSERT INTO "messages" VALUES(9,'5c05f91b137ea463118fb41a03a943d1f089a3214820d452de0b8de75b2d7f9c','9D420A321CA1396B9C327D5B@cbp.dhs.gov','ops','Junk','junk',1795187880,1795389604,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','Tumbleweed Toys LLC, EIN 66-7778888','approval',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","approval.words: “account is open”","it names the importer number"]','matched','number',4,'[4]','it names the importer number','["66-777888800"]','recorded',NULL,NULL);
INSERT INTO "messages" VALUES(10,'61ab127f4aaec4de6c45e8166e7e51f29dd464d94efe56eb05c21f436e360179','6F712B389454D0F8117AEE35@cbp.dhs.gov','ops','INBOX','inbox',1795389605,1795389605,'LOMAX, REGINA <regina.lomax@cbp.dhs.gov>','RE: Blue Heron Coffee Importers LLC, EIN 11-2223333','approval',NULL,'authentic','["mx.broker.example says dmarc=pass for cbp.dhs.gov","approval.words: “has been approved”","it stands in the thread of the submission, and the number agrees"]','matched','thread',5,'[5]','it stands in the thread of the submission, and the number agrees','["11-222333300"]','recorded',NULL,NULL);
CREATE TABLE names (
    name        TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    PRIMARY KEY (name, application)
) STRICT, WITHOUT ROWID;
INSERT INTO "names" VALUES('blue heron coffee importers',5);
INSERT INTO "names" VALUES('juniper trading',1);
INSERT INTO "names" VALUES('pelican harbor imports',2);
INSERT INTO "names" VALUES('quillfeather stationery',3);
INSERT INTO "names" VALUES('tumbleweed toys',4);
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
CREATE TABLE tickets (
    ticket      TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (ticket, application)
) STRICT, WITHOUT ROWID;
CREATE TABLE unreadable (
    mailbox TEXT    NOT NULL,
    folder  TEXT    NOT NULL,
    uid     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    error   TEXT    NOT NULL,
    PRIMARY KEY (mailbox, folder, uid)
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
CREATE INDEX alerts_to_withdraw ON alerts (application) WHERE delivered_at IS NULL;
CREATE INDEX coverage_by_folder ON coverage (host, user, folder, until_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('applications',5);
INSERT INTO "sqlite_sequence" VALUES('events',10);
INSERT INTO "sqlite_sequence" VALUES('messages',10);
INSERT INTO "sqlite_sequence" VALUES('alerts',21);
INSERT INTO "sqlite_sequence" VALUES('coverage',3);
COMMIT;
