//! A configuration in the making: what is asked for is changed, everything else stays as it is,
//! comments and order included.
//!
//! What is written is only ever a text that [`super::parse`] has understood; the caller sees to that.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TomlError, Value, value};

/// The keys that say where a secret is, of which a mailbox has one.
const WAYS: [&str; 7] = [
    "password-command",
    "password-file",
    "password-environment",
    "credential",
    "token-command",
    "keyring",
    "oauth",
];

/// What a new file begins with.
const HEADER: &str = "\
# The configuration of acewatch, begun by `acewatch init`. What does not stand here has its default;
# every key is explained in the sample configuration (config/acewatch.toml, or beside the packaged
# documentation). Unknown keys are refused. `acewatch doctor` tries all of it.
";

/// What stands above a new `[[mailbox]]`.
const MAILBOX: &str = "
# An account that is watched. acewatch never changes anything in it.
";

/// What stands above a new `[trust]`.
const TRUST: &str = "
# What holds for all mailboxes: which addresses are ours.
";

/// What stands above a key that is new.
const COMMENTS: [(&str, &str); 12] = [
    (
        "keyring",
        "# The password is in the system's keyring; `acewatch secret store` replaces it.\n",
    ),
    (
        "password-file",
        "# The first line of this file, which only its owner may read (mode 0600).\n",
    ),
    ("password-command", "# Run without a shell at each log-in; the first line it prints.\n"),
    ("token-command", "# Run without a shell at each log-in; prints an OAuth access token.\n"),
    ("credential", "# LoadCredential= or SetCredential= of the systemd unit.\n"),
    ("pin-sha256", "# Exactly this server certificate (SHA-256).\n"),
    ("folders", "# The folders in which answers arrive.\n"),
    ("sent", "# The folder with our own submissions; \"\" for none.\n"),
    (
        "authserv-id",
        "# The name under which our own server writes Authentication-Results; only what it vouches for\n# moves an application. \"-\" where it writes no name, [] where nobody is believed.\n",
    ),
    ("own-addresses", "# The addresses from which we write to CBP.\n"),
    ("dkim", "# Signatures are verified here, because our server says nothing of them.\n"),
    (
        "client-id",
        "# The program's identity at the provider; `acewatch sign-in` signs in with it.\n",
    ),
];

/// A configuration that can be changed.
#[derive(Clone, Debug)]
pub struct Draft {
    document: DocumentMut,
    is_new: bool,
    changes: Vec<String>,
}

impl Draft {
    /// The configuration in `text`, or a new one.
    ///
    /// # Errors
    ///
    /// It is no TOML.
    pub fn of(text: Option<&str>) -> Result<Draft, TomlError> {
        let plain = text.unwrap_or_default().trim_start_matches('\u{feff}');
        let mut document: DocumentMut = plain.parse()?;
        // `mailbox = [{ … }]`: the same meaning in other letters, in which no key can be set.
        if let Some(mailboxes) = document.get_mut("mailbox")
            && !mailboxes.is_array_of_tables()
            && let Ok(tables) = mailboxes.clone().into_array_of_tables()
        {
            *mailboxes = Item::ArrayOfTables(tables);
        }
        Ok(Draft { document, is_new: text.is_none(), changes: Vec::new() })
    }

    /// The text as it is to be written.
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// What was changed, each in a line without secrets: `[[mailbox]] host = "imap.example.com"`.
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// The mailbox at the end, new; its number.
    pub fn add_mailbox(&mut self) -> usize {
        let mut table = Table::new();
        // A comment belongs to what follows it.
        table.decor_mut().set_prefix(match self.is_new && !self.document.contains_key("mailbox") {
            true => format!("{HEADER}{MAILBOX}"),
            false => MAILBOX.to_owned(),
        });
        let mailboxes = self
            .document
            .entry("mailbox")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let Item::ArrayOfTables(tables) = mailboxes else { return 0 };
        tables.push(table);
        tables.len() - 1
    }

    /// A mailbox's name, user and host, as far as they are written.
    pub fn identity(&self, mailbox: usize) -> (String, String, String) {
        let table = self.document.get("mailbox").and_then(Item::as_array_of_tables);
        let table = table.and_then(|tables| tables.get(mailbox));
        let text = |key: &str| {
            let item = table.and_then(|table| table.get(key));
            item.and_then(Item::as_str).unwrap_or_default().to_owned()
        };
        let (name, user) = (text("name"), text("user"));
        let usual = || user.split('@').next().unwrap_or_default().to_owned();
        (if name.is_empty() { usual() } else { name }, user, text("host"))
    }

    /// Sets a key of a mailbox, by the mailbox's number.
    pub fn set(&mut self, mailbox: usize, key: &str, new: impl Into<Value>) {
        let Some(table) = mailbox_table(&mut self.document, mailbox) else { return };
        put(table, "[[mailbox]]", key, new.into(), &mut self.changes);
    }

    /// Sets the one way to the secret of a mailbox; any other is taken out.
    pub fn set_secret(&mut self, mailbox: usize, key: &str, new: impl Into<Item>) {
        let Some(table) = mailbox_table(&mut self.document, mailbox) else { return };
        for other in WAYS.iter().filter(|other| **other != key) {
            if table.remove(other).is_some() {
                self.changes.push(format!("[[mailbox]] without {other}"));
            }
        }
        match new.into() {
            Item::Value(new) => put(table, "[[mailbox]]", key, new, &mut self.changes),
            Item::Table(new) => {
                // What else stands in such a table, such as a tenant's addresses, stays.
                let there = table.remove(key).and_then(|item| item.into_table().ok());
                let mut sub = there.unwrap_or_default();
                for (key, new) in new {
                    if let Item::Value(new) = new {
                        put(&mut sub, "[mailbox.oauth]", &key, new, &mut self.changes);
                    }
                }
                table.insert(key, Item::Table(sub));
            }
            _ => {}
        }
    }

    /// Takes a key of a mailbox out, so that its default holds.
    pub fn unset(&mut self, mailbox: usize, key: &str) {
        let Some(table) = mailbox_table(&mut self.document, mailbox) else { return };
        if table.remove(key).is_some() {
            self.changes.push(format!("[[mailbox]] without {key}"));
        }
    }

    /// Adds addresses to those that are ours; what stands there stays.
    pub fn own_addresses(&mut self, new: &[String]) {
        let key = "own-addresses";
        if new.is_empty() {
            return;
        }
        let Some(table) = trust_table(&mut self.document) else { return };
        let mut list = table.get(key).and_then(Item::as_array).cloned().unwrap_or_default();
        let is_known = |list: &Array, text: &str| {
            list.iter().filter_map(Value::as_str).any(|known| known.eq_ignore_ascii_case(text))
        };
        let before = list.len();
        for text in new {
            if !is_known(&list, text) {
                list.push(text.as_str());
            }
        }
        if before < list.len() {
            put(table, "[trust]", key, Value::Array(list), &mut self.changes);
        }
    }

    /// Has DKIM signatures verified here.
    pub fn verify_dkim(&mut self) {
        let Some(table) = trust_table(&mut self.document) else { return };
        put(table, "[trust]", "dkim", true.into(), &mut self.changes);
    }
}

fn mailbox_table(document: &mut DocumentMut, mailbox: usize) -> Option<&mut Table> {
    document.get_mut("mailbox")?.as_array_of_tables_mut()?.get_mut(mailbox)
}

fn trust_table(document: &mut DocumentMut) -> Option<&mut Table> {
    if !document.get("trust").is_some_and(Item::is_table) {
        // A table written inline means the same.
        let table = document.remove("trust").and_then(|item| item.into_table().ok());
        let mut table = table.unwrap_or_default();
        table.decor_mut().set_prefix(TRUST);
        document.insert("trust", Item::Table(table));
    }
    document.get_mut("trust")?.as_table_mut()
}

fn put(table: &mut Table, section: &str, key: &str, mut new: Value, changes: &mut Vec<String>) {
    let is_same =
        table.get(key).and_then(Item::as_value).is_some_and(|old| plain(old) == plain(&new));
    if is_same {
        return;
    }
    let shown = if key == "client-secret" { "…".to_owned() } else { plain(&new) };
    changes.push(format!("{section} {key} = {shown}"));
    match table.get_mut(key).and_then(Item::as_value_mut) {
        // What stands behind the value on its line stays.
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, value(new));
            let comment = COMMENTS.iter().find(|(known, _)| *known == key);
            if let (Some((_, comment)), Some(mut key)) = (comment, table.key_mut(key)) {
                key.leaf_decor_mut().set_prefix(*comment);
            }
        }
    }
}

/// A value without what surrounds it.
fn plain(value: &Value) -> String {
    let mut value = value.clone();
    value.decor_mut().clear();
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_new_configuration_explains_itself() {
        let mut draft = Draft::of(None).unwrap();
        let office = draft.add_mailbox();
        draft.set(office, "name", "office");
        draft.set(office, "host", "imap.example.com");
        draft.set(office, "user", "ops@broker.example");
        draft.set_secret(office, "password-file", value("office.secret"));
        draft.set(office, "authserv-id", Array::from_iter(["mx.broker.example"]));
        draft.own_addresses(&texts(&["ops@broker.example"]));
        insta::assert_snapshot!(draft.text(), @r#"
        # The configuration of acewatch, begun by `acewatch init`. What does not stand here has its default;
        # every key is explained in the sample configuration (config/acewatch.toml, or beside the packaged
        # documentation). Unknown keys are refused. `acewatch doctor` tries all of it.

        # An account that is watched. acewatch never changes anything in it.
        [[mailbox]]
        name = "office"
        host = "imap.example.com"
        user = "ops@broker.example"
        # The first line of this file, which only its owner may read (mode 0600).
        password-file = "office.secret"
        # The name under which our own server writes Authentication-Results; only what it vouches for
        # moves an application. "-" where it writes no name, [] where nobody is believed.
        authserv-id = ["mx.broker.example"]

        # What holds for all mailboxes: which addresses are ours.
        [trust]
        # The addresses from which we write to CBP.
        own-addresses = ["ops@broker.example"]
        "#);
        insta::assert_snapshot!(draft.changes().join("\n"), @r#"
        [[mailbox]] name = "office"
        [[mailbox]] host = "imap.example.com"
        [[mailbox]] user = "ops@broker.example"
        [[mailbox]] password-file = "office.secret"
        [[mailbox]] authserv-id = ["mx.broker.example"]
        [trust] own-addresses = ["ops@broker.example"]
        "#);
    }

    /// What a person wrote, in a hand of their own.
    const OWN: &str = "\
# ours
time-zone = 'America/Denver'   # the office

[[mailbox]]
host = \"imap.example.com\" # the old one
user   =   \"ops@broker.example\"
password-command = [\"pass\", \"show\", \"mail\"]
poll-interval = \"2m\"

[notify]
quiet-hours = \"\"

[trust]
own-addresses = [
    \"ops@broker.example\", # since 2024
]
";

    #[test]
    fn only_what_is_asked_for_changes() {
        let mut draft = Draft::of(Some(OWN)).unwrap();
        draft.set(0, "host", "imap.example.com");
        draft.own_addresses(&texts(&["OPS@broker.example"]));
        assert_eq!((draft.text().as_str(), draft.changes()), (OWN, &[][..]));

        draft.set(0, "host", "mail.example.com");
        let expected =
            OWN.replace("\"imap.example.com\" # the old one", "\"mail.example.com\" # the old one");
        assert_eq!(draft.text(), expected);

        draft.set_secret(0, "keyring", value(true));
        let text = draft.text();
        assert!(!text.contains("password-command"), "{text}");
        assert!(text.contains("keyring = true\n"), "{text}");
        assert!(text.contains("poll-interval = \"2m\""), "{text}");
        assert!(
            text.starts_with("# ours\ntime-zone = 'America/Denver'   # the office\n"),
            "{text}"
        );
        assert_eq!(
            draft.changes(),
            [
                "[[mailbox]] host = \"mail.example.com\"",
                "[[mailbox]] without password-command",
                "[[mailbox]] keyring = true"
            ]
        );
    }

    #[test]
    fn another_mailbox_is_added_wherever_the_first_one_stands() {
        for text in [OWN, "mailbox = [{ host = \"a.example\", user = \"a\" }]\n", ""] {
            let mut draft = Draft::of(Some(text)).unwrap();
            let new = draft.add_mailbox();
            draft.set(new, "host", "b.example");
            draft.own_addresses(&texts(&["b@broker.example"]));
            let again: DocumentMut = draft.text().parse().unwrap();
            let tables = again["mailbox"].as_array_of_tables().unwrap();
            assert_eq!(tables.len(), new + 1, "{text}");
            assert_eq!(tables.get(new).unwrap()["host"].as_str(), Some("b.example"));
            let own = again["trust"]["own-addresses"].as_array().unwrap();
            assert!(own.iter().any(|own| own.as_str() == Some("b@broker.example")), "{text}");
        }
    }

    #[test]
    fn another_client_keeps_the_tenant_s_addresses() {
        let text = "[[mailbox]]\nhost = \"h\"\nuser = \"u\"\n[mailbox.oauth]\nclient-id = \"old\"\ntoken-url = \"https://t.example/token\" # ours\n";
        let mut draft = Draft::of(Some(text)).unwrap();
        let mut table = Table::new();
        table.insert("client-id", value("new"));
        draft.set_secret(0, "oauth", table);
        assert_eq!(draft.text(), text.replace("\"old\"", "\"new\""));
        assert_eq!(draft.changes(), ["[mailbox.oauth] client-id = \"new\""]);
    }

    #[test]
    fn nothing_added_leaves_no_trace() {
        let mut draft = Draft::of(Some("[[mailbox]]\nhost = \"h\"\n")).unwrap();
        draft.own_addresses(&[]);
        assert_eq!(draft.text(), "[[mailbox]]\nhost = \"h\"\n");
    }

    #[test]
    fn a_mailbox_written_inline_can_be_changed() {
        let mut draft =
            Draft::of(Some("mailbox = [{ host = \"a.example\", user = \"a\" }]\n")).unwrap();
        draft.set(0, "sent", "CBP");
        assert_eq!(draft.identity(0), ("a".to_owned(), "a".to_owned(), "a.example".to_owned()));
        assert_eq!(draft.changes(), ["[[mailbox]] sent = \"CBP\""]);
    }

    #[test]
    fn an_inline_trust_stays_what_it_was() {
        let mut draft = Draft::of(Some("trust = { own-addresses = [\"a@a.example\"] }\n")).unwrap();
        draft.own_addresses(&texts(&["b@b.example"]));
        let again: DocumentMut = draft.text().parse().unwrap();
        let ids: Vec<_> = again["trust"]["own-addresses"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(ids, ["a@a.example", "b@b.example"]);
    }
}
