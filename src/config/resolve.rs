//! From the file as written to the settings as meant: every default and every check.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use toml::{Spanned, Value};

use super::channel;
use super::file::{self, Source, Text};
use super::mailbox;
use super::notify;
use super::value::{self, Fault};
use super::window;
use super::{
    CalendarSettings, ConfigError, Environment, Limits, MailboxSettings, Resolver, Settings,
    StorageSettings, WatchSettings,
};
use crate::domain::authenticity::Trust;
use crate::domain::calendar::{Choices, Closure};
use crate::domain::contact::Contact;
use crate::domain::zone::Zone;

/// Decides what the text of `source` means.
pub(super) fn settings(source: Source<'_>, env: &Environment) -> Result<Settings, ConfigError> {
    let mut file = source.parse()?;
    let mut warnings = Vec::new();
    let time_zone = time_zone(source, file.time_zone, env, &mut warnings)?;
    let trusted = std::mem::take(&mut file.trust.authserv_id);
    let trusted = source.read_all("authserv-id", trusted, value::line)?;
    let mailboxes = mailbox::mailboxes(source, env, file.mailbox, &trusted, &mut warnings)?;
    let limits = limits(source, file.limits)?;
    let notify = notify::notify(source, file.notify)?;
    let contact = contact(source, file.contact)?;
    let everywhere = believed_everywhere(&trusted, &mailboxes);
    let trusted_unknown = trusted.into_iter().filter(|id| everywhere.contains(id)).collect();
    Ok(Settings {
        path: Some(source.path.to_owned()),
        time_zone,
        dkim: dkim(
            source,
            file.trust.dkim.take(),
            file.trust.resolver.take(),
            cfg!(feature = "dkim"),
        )?,
        trust: trust(source, file.trust, everywhere, &mailboxes)?,
        trusted_unknown,
        mailboxes,
        calendar: calendar(source, file.calendar)?,
        channels: channel::channels(source, file.channel, &notify, limits.channel_timeout)?,
        notify,
        watch: watch(source, file.watch)?,
        limits,
        storage: storage(source, file.storage)?,
        windows: window::windows(source, file.window, &contact)?,
        contact,
        warnings,
    })
}

impl Source<'_> {
    /// The meaning of a text that may be missing.
    pub(super) fn read<T>(
        &self,
        key: &str,
        written: Option<Text>,
        meaning: impl Fn(&str) -> Result<T, Fault>,
    ) -> Result<Option<T>, ConfigError> {
        written
            .map(|text| {
                meaning(text.get_ref()).map_err(|fault| self.faulty(text.span().start, key, fault))
            })
            .transpose()
    }

    /// The meanings of a list of texts; what stands twice counts once.
    pub(super) fn read_all<T: PartialEq>(
        &self,
        key: &str,
        written: Vec<Text>,
        meaning: impl Fn(&str) -> Result<T, Fault>,
    ) -> Result<Vec<T>, ConfigError> {
        let mut all = Vec::new();
        for text in written {
            if let Some(one) = self.read(key, Some(text), &meaning)?
                && !all.contains(&one)
            {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// The meaning of a duration, or `default`.
    pub(super) fn wait(
        &self,
        key: &str,
        written: Option<Text>,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        Ok(self.read(key, written, value::duration)?.unwrap_or(default))
    }

    /// A path of the file, relative to the file's own directory.
    pub(super) fn path(
        &self,
        key: &str,
        written: Option<Text>,
    ) -> Result<Option<PathBuf>, ConfigError> {
        self.read(key, written, |path| match path {
            path if path.starts_with('~') => Err(Fault::new(
                "begins with ~, which only a shell understands",
                "write the whole path, or one relative to the configuration file",
            )),
            path => value::line(path).map(|path| self.directory().join(path)),
        })
    }

    pub(super) fn digest_over(
        &self,
        written: Option<Spanned<i64>>,
    ) -> Result<Option<u32>, ConfigError> {
        let Some(n) = written else { return Ok(None) };
        u32::try_from(*n.get_ref()).map(Some).map_err(|_| {
            let fault = Fault::new("is no number of alerts", "write 0 or more");
            self.faulty(n.span().start, "digest-over", fault)
        })
    }

    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

fn time_zone(
    source: Source<'_>,
    written: Option<Text>,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Zone, ConfigError> {
    if let Some(zone) = source.read("time-zone", written, value::zone)? {
        return Ok(zone);
    }
    let found = env.system_zone.as_deref();
    Ok(found.and_then(Zone::named).unwrap_or_else(|| {
        warnings.push(format!(
            "the system's time zone is not known{}, times are shown in UTC; set `time-zone`",
            found.map(|zone| format!(" ({})", zone.escape_debug())).unwrap_or_default()
        ));
        Zone::utc()
    }))
}

/// Whose word counts in each mailbox; that of `[trust]` where there is none.
fn believed_everywhere(trusted: &[String], mailboxes: &[MailboxSettings]) -> Vec<String> {
    let Some((first, others)) = mailboxes.split_first() else { return trusted.to_vec() };
    let counts = |id: &&String| others.iter().all(|mailbox| mailbox.authserv_ids.contains(*id));
    first.authserv_ids.iter().filter(counts).cloned().collect()
}

fn trust(
    source: Source<'_>,
    written: file::Trust,
    authserv_ids: Vec<String>,
    mailboxes: &[MailboxSettings],
) -> Result<Trust, ConfigError> {
    let mut own_addresses =
        source.read_all("own-addresses", written.own_addresses, value::address)?;
    // The accounts that are watched are ours whether or not someone lists them.
    for user in mailboxes.iter().map(|mailbox| &mailbox.user) {
        if value::is_address(user) && !own_addresses.iter().any(|a| a.eq_ignore_ascii_case(user)) {
            own_addresses.push(user.clone());
        }
    }
    let listed = |key: &str,
                  written: Option<Spanned<Vec<Text>>>,
                  default: &str,
                  meaning: fn(&str) -> Result<String, Fault>| {
        let Some(written) = written else {
            return Ok(vec![default.to_owned()]);
        };
        let at = written.span().start;
        let all = source.read_all(key, written.into_inner(), meaning)?;
        if all.is_empty() {
            let fault = Fault::new(
                "is empty, so that nothing could ever be recognised",
                format!("leave the key out for [\"{default}\"]"),
            );
            return Err(source.faulty(at, key, fault));
        }
        Ok(all)
    };
    Ok(Trust {
        authserv_ids,
        own_addresses,
        cbp_domains: listed("cbp-domains", written.cbp_domains, "cbp.dhs.gov", value::domain)?,
        application_addresses: listed(
            "application-addresses",
            written.application_addresses,
            "ACE.Applications@cbp.dhs.gov",
            value::address,
        )?,
        arc_sealers: source.read_all("arc-sealers", written.arc_sealers, value::domain)?,
    })
}

/// Who is asked for DKIM keys. A program that was built without that part must not look as if it
/// verified them.
fn dkim(
    source: Source<'_>,
    wanted: Option<Spanned<bool>>,
    resolver: Option<Text>,
    is_built_in: bool,
) -> Result<Option<Resolver>, ConfigError> {
    let resolver = source.read("resolver", resolver, value::resolver)?.unwrap_or(Resolver::System);
    match wanted {
        Some(wanted) if *wanted.get_ref() && !is_built_in => {
            let fault = Fault::new(
                "is true, and this acewatch was built without the part that verifies signatures",
                "leave the key out, or build with `cargo build --release --features dkim`",
            );
            Err(source.faulty(wanted.span().start, "dkim", fault))
        }
        Some(wanted) if *wanted.get_ref() => Ok(Some(resolver)),
        _ => Ok(None),
    }
}

fn calendar(source: Source<'_>, written: file::Calendar) -> Result<CalendarSettings, ConfigError> {
    let mut closures = Vec::with_capacity(written.closures.len());
    for entry in written.closures {
        let at = entry.span().start;
        let closure =
            closure(entry.get_ref()).map_err(|fault| source.faulty(at, "closures", fault))?;
        closures.push(closure);
    }
    Ok(CalendarSettings {
        zone: source.read("zone", written.zone, value::zone)?.unwrap_or_else(Zone::new_york),
        closures,
        cut_off: source.read("cut-off", written.cut_off, value::cut_off)?.flatten(),
        choices: Choices {
            half_days: source
                .read("half-days", written.half_days, value::half_days)?
                .unwrap_or_default(),
            inauguration_day: written.inauguration_day.unwrap_or_default(),
            known_until: match written.known_until {
                Some(written) if written.get_ref().as_str() != Some("") => {
                    let form = "write \"2026-12-31\", or \"\" for the date of the built-in list";
                    let at = written.span().start;
                    let until = date(written.get_ref(), form);
                    Some(until.map_err(|fault| source.faulty(at, "known-until", fault))?)
                }
                _ => None,
            },
        },
    })
}

fn contact(source: Source<'_>, written: file::Contact) -> Result<Contact, ConfigError> {
    let default = Contact::default();
    Ok(Contact {
        support: source
            .read("support", written.support, value::address)?
            .unwrap_or(default.support),
        phone: source.read("phone", written.phone, value::line)?.unwrap_or(default.phone),
        menu: source
            .read("menu", written.menu, |menu| match menu {
                "" => Ok(String::new()),
                menu => value::line(menu),
            })?
            .unwrap_or(default.menu),
        closed: source
            .read("closed", written.closed, value::weekly_closing)?
            .unwrap_or(default.closed),
    })
}

/// A closure is a date, in quotes or not, or a table with a date and a reason.
fn closure(written: &Value) -> Result<Closure, Fault> {
    let form = "write \"2026-12-24\" or { date = \"2026-12-24\", because = \"snow\" }";
    let Value::Table(table) = written else {
        return Ok(Closure { date: date(written, form)?, because: String::new() });
    };
    if let Some(key) = table.keys().find(|key| !["date", "because"].contains(&key.as_str())) {
        return Err(Fault::new(format!("holds the unknown key `{}`", key.escape_debug()), form));
    }
    let because = match table.get("because") {
        None => String::new(),
        Some(Value::String(because)) => value::line(because)?,
        Some(_) => return Err(Fault::new("holds a reason that is no text", form)),
    };
    match table.get("date") {
        Some(written) => Ok(Closure { date: date(written, form)?, because }),
        None => Err(Fault::new("holds a table without `date`", form)),
    }
}

/// A date, in quotes or not.
fn date(written: &Value, form: &str) -> Result<NaiveDate, Fault> {
    match written {
        Value::String(text) => value::date(text),
        Value::Datetime(when) => value::date(&when.to_string()),
        _ => Err(Fault::new("holds something that is no date", form)),
    }
}

fn watch(source: Source<'_>, written: file::Watch) -> Result<WatchSettings, ConfigError> {
    let default = WatchSettings::default();
    Ok(WatchSettings {
        blind_after: source.wait("blind-after", written.blind_after, default.blind_after)?,
        tick: source.wait("tick", written.tick, default.tick)?,
    })
}

fn storage(source: Source<'_>, written: file::Storage) -> Result<StorageSettings, ConfigError> {
    let keep = source.read("keep-mails", written.keep_mails, |text| match text {
        "" => Ok(None),
        text => value::duration(text).map(Some),
    })?;
    Ok(keep.map_or_else(StorageSettings::default, |keep_mails| StorageSettings { keep_mails }))
}

fn limits(source: Source<'_>, written: file::Limits) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let wait = |key, written, default| source.wait(key, written, default);
    let backoff_at =
        written.backoff_min.as_ref().or(written.backoff_max.as_ref()).map(|text| text.span().start);
    let limits = Limits {
        connect_timeout: wait("connect-timeout", written.connect_timeout, default.connect_timeout)?,
        command_timeout: wait("command-timeout", written.command_timeout, default.command_timeout)?,
        done_timeout: wait("done-timeout", written.done_timeout, default.done_timeout)?,
        idle_renew: wait("idle-renew", written.idle_renew, default.idle_renew)?,
        backoff_min: wait("backoff-min", written.backoff_min, default.backoff_min)?,
        backoff_max: wait("backoff-max", written.backoff_max, default.backoff_max)?,
        refused_login_retry: wait(
            "refused-login-retry",
            written.refused_login_retry,
            default.refused_login_retry,
        )?,
        unreadable_retry: wait(
            "unreadable-retry",
            written.unreadable_retry,
            default.unreadable_retry,
        )?,
        notify_timeout: wait("notify-timeout", written.notify_timeout, default.notify_timeout)?,
        channel_timeout: wait("channel-timeout", written.channel_timeout, default.channel_timeout)?,
        dns_timeout: wait("dns-timeout", written.dns_timeout, default.dns_timeout)?,
        max_message: source
            .read("max-message", written.max_message, value::size)?
            .unwrap_or(default.max_message),
    };
    match backoff_at {
        Some(at) if limits.backoff_max < limits.backoff_min => {
            let fault = Fault::new(
                "is longer than `backoff-max`",
                "write a shorter `backoff-min` or a longer `backoff-max`",
            );
            Err(source.faulty(at, "backoff-min", fault))
        }
        _ => Ok(limits),
    }
}

/// What the tests of this directory share.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub const MAILBOX: &str = "[[mailbox]]\n\
                           host = \"imap.example.com\"\n\
                           user = \"ops@broker.example\"\n\
                           password-command = [\"pass\"]\n";

    pub fn resolve(text: &str) -> Result<Settings, ConfigError> {
        let env = Environment {
            config_home: "/c".into(),
            data_home: "/d".into(),
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        };
        settings(Source { path: Path::new("/etc/ace/config.toml"), text }, &env)
    }

    /// The text must be refused with `line: message | hint`, of which the beginning is given.
    pub fn check(text: &str, expected: &str) {
        let err = resolve(text).expect_err(text);
        let message = format!("{err} | {}", err.hint());
        let message = message.strip_prefix("/etc/ace/config.toml:").unwrap();
        assert!(message.starts_with(expected), "{message}\nnot\n{expected}\nfor\n{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{MAILBOX, check, resolve};
    use super::*;
    use crate::config::SAMPLE;
    use crate::domain::calendar::HalfDays;

    /// The sample with each line that is a commented key turned into the key.
    fn uncommented() -> String {
        SAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_sample_means_the_defaults() {
        let sample = resolve(SAMPLE).unwrap();
        let minimal = resolve(&MAILBOX.replace("[\"pass\"]", "[\"pass\", \"show\", \"mail/ops\"]"));
        assert_eq!(format!("{sample:?}"), format!("{:?}", minimal.unwrap()));
        assert_eq!(sample.warnings, Vec::<String>::new());
    }

    #[test]
    fn the_defaults_in_the_sample_are_the_true_ones() {
        let text = uncommented();
        assert!(!text.contains("\n#tick"), "nothing was uncommented");
        assert_eq!(format!("{:?}", resolve(&text)), format!("{:?}", resolve(SAMPLE)));
    }

    #[test]
    fn the_sample_names_every_key() {
        let shown = uncommented();
        for header in [
            "",
            "[[mailbox]]",
            "[trust]",
            "[calendar]",
            "[contact]",
            "[notify]",
            "[[channel]]",
            "[watch]",
            "[limits]",
            "[[window]]",
            "[[mailbox]]\n[mailbox.oauth]",
        ] {
            let err = resolve(&format!("{header}\nno-such-key = 0")).expect_err(header);
            let known = match &err {
                ConfigError::UnknownKey { hint, .. } => hint.strip_prefix("known here are "),
                _ => None,
            };
            for key in known.expect(header).split(", ") {
                let is_shown = [format!("{key} = "), format!("[{key}"), format!(".{key}]")]
                    .iter()
                    .any(|form| shown.contains(form));
                assert!(is_shown, "{header} {key}");
            }
        }
    }

    #[test]
    fn the_channels_in_the_sample_can_be_used() {
        let written = |line: &str| match line.strip_prefix("#  ") {
            Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
                format!("{key}\n")
            }
            _ => format!("{line}\n"),
        };
        let text: String = SAMPLE.lines().map(written).collect();
        let names: Vec<String> =
            resolve(&text).unwrap().channels.into_iter().map(|channel| channel.name).collect();
        assert_eq!(names, ["ops", "webhook", "command"]);
    }

    #[test]
    fn each_alternative_in_the_sample_can_stand_in_its_place() {
        let command = "password-command = [\"pass\", \"show\", \"mail/ops\"]";
        let alternatives = SAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .filter(|line| line.contains(" = ") && !line.starts_with(' '))
            .map(|line| line.split("    ").next().unwrap().trim_end());
        let mut n = 0;
        for alternative in alternatives {
            // What follows a value of this line is prose.
            let end = alternative.rfind(['"', ']']).map_or(alternative.len(), |end| end + 1);
            let (alternative, _) = alternative.split_at(end);
            let is_secret = !alternative.starts_with("ca-") && !alternative.starts_with("pin-");
            let replacement = if is_secret {
                alternative.to_owned()
            } else {
                format!("{command}\n{alternative}")
            };
            let text = SAMPLE.replacen(command, &replacement, 1);
            assert!(resolve(&text).is_ok(), "{alternative}: {:?}", resolve(&text));
            n += 1;
        }
        assert_eq!(n, 7);
    }

    #[test]
    fn the_oauth_of_the_sample_can_stand_in_the_place_of_the_password() {
        let command = "password-command = [\"pass\", \"show\", \"mail/ops\"]";
        let lines = SAMPLE.lines().filter_map(|line| line.strip_prefix("#     "));
        let lines = lines.filter(|line| !line.starts_with(' '));
        let table: Vec<&str> = lines.map(|line| line.split("    ").next().unwrap()).collect();
        let text = SAMPLE.replacen(command, &table.join("\n"), 1);
        let settings = resolve(&text).unwrap();
        assert_eq!(settings.mailboxes[0].secret.to_string(), "oauth at oauth2.googleapis.com");
    }

    #[test]
    fn whose_word_counts_is_said_for_each_mailbox() {
        let mailbox = |name: &str, own: &str| {
            format!(
                "[[mailbox]]\nname = \"{name}\"\nhost = \"{name}.example\"\nuser = \"a@{name}.example\"\npassword-environment = \"X\"\n{own}\n"
            )
        };
        let all = "[trust]\nauthserv-id = [\"mx.a.example\", \"mx.b.example\"]\n";
        let (a, b) = (["mx.a.example"].as_slice(), ["mx.b.example"].as_slice());
        let both = ["mx.a.example", "mx.b.example"].as_slice();
        // What stands in the first mailbox and in the second; who is believed in each, in a file, and in
        // the kept mail of one that is there no more.
        for (trust, first, second, expected) in [
            (all, "", "", [both, both, both, both]),
            (all, "authserv-id = [\"mx.b.example\"]", "", [b, both, b, b]),
            (all, "", "authserv-id = []", [both, &[], &[], &[]]),
            ("", "authserv-id = [\"mx.a.example\"]", "", [a, &[], &[], &[]]),
            (
                "",
                "authserv-id = [\"mx.a.example\"]",
                "authserv-id = [\"mx.b.example\"]",
                [a, b, &[], &[]],
            ),
            (
                "",
                "authserv-id = [\"mx.a.example\"]",
                "authserv-id = [\"mx.a.example\"]",
                [a, a, a, &[]],
            ),
        ] {
            let text = format!("{}{}{trust}", mailbox("first", first), mailbox("second", second));
            let settings = resolve(&text).unwrap();
            let found = ["first", "second", "import", "gone"]
                .map(|name| settings.trust_in(name).authserv_ids.clone());
            assert_eq!(found, expected, "{text}");
        }
        // Without a mailbox there are files alone.
        assert_eq!(resolve(all).unwrap().trust_in("import").authserv_ids, both);
        // A file must not be taken for the mail of a mailbox because that has its name.
        let text = |own: &str| format!("{}{}{all}", mailbox("import", own), mailbox("second", ""));
        assert!(resolve(&text("")).is_ok());
        check(
            &text("authserv-id = [\"mx.a.example\"]"),
            "2: `name` is `import`, under which files are kept",
        );
    }

    #[test]
    fn the_users_of_the_mailboxes_are_our_own_addresses() {
        let local = MAILBOX.replace("ops@broker.example", "ops");
        for (mailbox, own, expected) in [
            (MAILBOX, "", &["ops@broker.example"][..]),
            (MAILBOX, "own-addresses = [\"Ops@Broker.example\"]", &["Ops@Broker.example"]),
            (MAILBOX, "own-addresses = [\"a@b.example\"]", &["a@b.example", "ops@broker.example"]),
            (&local, "", &[]),
        ] {
            let settings = resolve(&format!("{mailbox}[trust]\n{own}")).unwrap();
            assert_eq!(settings.trust.own_addresses, expected, "{own}");
        }
    }

    #[test]
    fn trust_is_never_empty_by_mistake() {
        check("[trust]\ncbp-domains = []", "2: `cbp-domains` is empty, so that nothing");
        check("[trust]\ncbp-domains = [\"a@cbp.dhs.gov\"]", "2: `cbp-domains` holds a text that");
        check("[trust]\napplication-addresses = []", "2: `application-addresses` is empty");
        check("[trust]\nown-addresses = [\"ops\"]", "2: `own-addresses` holds a text that is no");
        check("[trust]\nauthserv-id = [\"\"]", "2: `authserv-id` is empty");
    }

    #[test]
    fn signatures_are_verified_where_asked_for_and_possible() {
        let dkim = |text: &str, is_built_in| {
            let source = Source { path: Path::new("test.toml"), text };
            let file = source.parse().unwrap();
            super::dkim(source, file.trust.dkim, file.trust.resolver, is_built_in)
        };
        let at = |address: &str| Some(Resolver::At(address.parse().unwrap()));
        for (text, expected) in [
            ("", None),
            ("[trust]\ndkim = false\nresolver = \"192.0.2.53\"", None),
            ("[trust]\ndkim = true", Some(Resolver::System)),
            ("[trust]\ndkim = true\nresolver = \"system\"", Some(Resolver::System)),
            ("[trust]\ndkim = true\nresolver = \"192.0.2.53\"", at("192.0.2.53:53")),
            ("[trust]\ndkim = true\nresolver = \"2001:db8::53\"", at("[2001:db8::53]:53")),
            ("[trust]\ndkim = true\nresolver = \"127.0.0.1:5353\"", at("127.0.0.1:5353")),
        ] {
            assert_eq!(dkim(text, true).unwrap(), expected, "{text}");
        }
        let err = dkim("[trust]\ndkim = true", false).unwrap_err();
        assert!(err.to_string().contains("2: `dkim` is true, and this acewatch was built without"));
        assert!(err.hint().contains("--features dkim"));
        check("[trust]\nresolver = \"dns.example\"", "2: `resolver` is neither \"system\" nor");
    }

    #[test]
    fn how_cbp_is_reached_may_change() {
        let settings = resolve("[contact]\nmenu = \"\"\nclosed = \"Fri 18:00-Mon 08:00\"").unwrap();
        assert_eq!(settings.contact.dialled(), "1-866-530-4172");
        let closing = settings.contact.closed.unwrap();
        assert_eq!(closing.until, (chrono::Weekday::Mon, "08:00:00".parse().unwrap()));
        assert!(resolve("[contact]\nclosed = \"\"").unwrap().contact.closed.is_none());
        check(
            "[contact]\nsupport = \"ACE Support\"",
            "2: `support` holds a text that is no address",
        );
        for closed in
            ["Sat", "Sat 22:00", "22:00-05:00", "Sat 22:00-Sun 24:00", "Sat 22:00-Sat 22:00"]
        {
            check(&format!("[contact]\nclosed = \"{closed}\""), "2: `closed` ");
        }
    }

    #[test]
    fn a_closure_is_a_date_or_a_date_with_a_reason() {
        let settings = resolve(
            "[calendar]\nclosures = [\"2026-12-24\", 2026-12-26, \
             { date = \"2026-12-28\", because = \"snow\" }]\ncut-off = \"17:00\"",
        )
        .unwrap();
        let written = settings.calendar.closures.iter();
        let written: Vec<_> = written.map(|c| format!("{} {}", c.date, c.because)).collect();
        assert_eq!(written, ["2026-12-24 ", "2026-12-26 ", "2026-12-28 snow"]);
        assert!(settings.calendar.cut_off.is_some());
        for closure in [
            "\"2026-02-30\"",
            "\"Christmas\"",
            "7",
            "{ because = \"snow\" }",
            "{ date = \"2026-12-24\", reason = \"snow\" }",
            "{ date = \"2026-12-24\", because = 7 }",
            "2026-12-24T10:00:00Z",
        ] {
            check(
                &format!("[calendar]\nclosures = [\n  \"2026-12-24\",\n  {closure},\n]"),
                "4: `closures` holds ",
            );
        }
    }

    #[test]
    fn what_law_and_custom_leave_open_is_the_user_s_choice() {
        let choices = |text: &str| resolve(text).unwrap().calendar.choices;
        assert_eq!(choices(""), Choices::default());
        let all = "[calendar]\nhalf-days = \"closed\"\ninauguration-day = true\nknown-until = ";
        let expected = Choices {
            half_days: HalfDays::Closed,
            inauguration_day: true,
            known_until: NaiveDate::from_ymd_opt(2026, 12, 31),
        };
        for until in ["2026-12-31", "\"2026-12-31\""] {
            assert_eq!(choices(&format!("{all}{until}")), expected);
        }
        assert_eq!(choices("[calendar]\nhalf-days = \"open\"\n"), Choices::default());
        check("[calendar]\nhalf-days = \"shut\"", "2: `half-days` is neither");
        check(
            "[calendar]\n\nknown-until = \"soon\"",
            "3: `known-until` holds a text that is no date",
        );
        check("[calendar]\nknown-until = 7", "2: `known-until` holds something that is no date");
        check("[calendar]\ninauguration-day = 1", "2");
    }

    #[test]
    fn waits_are_neither_nothing_nor_upside_down() {
        check("[watch]\ntick = \"0s\"", "2: `tick` must be longer than nothing");
        check("[limits]\ncommand-timeout = \"60\"", "2: `command-timeout` is no duration");
        check("[limits]\nbackoff-min = \"1h\"", "2: `backoff-min` is longer than `backoff-max`");
        check("[limits]\nbackoff-max = \"1s\"", "2: `backoff-min` is longer than `backoff-max`");
        check("[storage]\nkeep-mails = \"long\"", "2: `keep-mails` is no duration");
        check("[limits]\nmax-message = \"50\u{a0}MB?\"", "2: `max-message` is no size");
    }

    #[test]
    fn an_unknown_zone_is_refused_and_an_unknown_system_zone_survived() {
        check(
            "time-zone = \"Denver\"",
            "1: `time-zone` names no time zone: `Denver` | write \"America/Denver\"",
        );
        for system_zone in [None, Some("\u{1b}[31m".to_owned())] {
            let env = Environment {
                config_home: "/c".into(),
                data_home: "/d".into(),
                credentials_directory: None,
                system_zone,
            };
            let settings = settings(Source { path: Path::new("c"), text: "" }, &env).unwrap();
            assert_eq!((settings.time_zone, settings.warnings.len()), (Zone::utc(), 1));
            assert!(!settings.warnings.concat().contains('\u{1b}'));
        }
    }
}
