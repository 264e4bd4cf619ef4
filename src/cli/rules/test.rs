//! `acewatch rules test`: what the rules make of mails, and which words decide.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::render::{self, Masking, styled};
use crate::cli::{Context, explain};
use crate::domain::authenticity::Verdict;
use crate::domain::classification::{Classification, spoken_text};
use crate::domain::intake::Examined;
use crate::domain::kind::Kind;
use crate::domain::message::Message;
use crate::domain::rules::Rules;
use crate::mailbox::files;
use crate::store::query;

/// Try the rules on mails; change nothing
///
/// Takes mail files (.eml, mbox), folders and Maildirs, or the numbers of mails that acewatch has
/// kept. Says for each its kind, the rule and the words that decided, and where your rules decide
/// otherwise than the built-in ones alone. Where no rule knows a mail, its clauses are shown as the
/// patterns see them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders or Maildirs, or mails' numbers
    #[arg(value_name = "FILE|MESSAGE", required = true)]
    what: Vec<String>,
    /// Try the rules of FILE instead of your own
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Exit with 1 unless every mail is of this kind
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str)))]
    expect: Option<String>,
    /// Show the clauses of every mail as the patterns see them
    #[arg(long)]
    clauses: bool,
    /// Take the mails as lying in this folder, such as Sent; otherwise a directory's name tells
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A mail that was tried.
struct Tried {
    /// The file, or the number of a kept mail.
    name: String,
    message: Message,
    now: Examined,
    built_in: Examined,
    clauses: Vec<String>,
    /// Whether it is what it should be; true where nothing is asked.
    is_expected: bool,
}

impl Tried {
    fn differs(&self) -> bool {
        let (now, built_in) = (&self.now.classification, &self.built_in.classification);
        now.kind != built_in.kind || now.reason != built_in.reason || now.review != built_in.review
    }

    /// Whether the rules had to decide, and knew how.
    fn is_recognised(&self) -> bool {
        self.now.classification.is_recognised || self.now.authenticity.verdict == Verdict::NotCbp
    }
}

/// What the mails are tried by.
struct Trial<'a> {
    app: &'a App,
    rules: &'a Rules,
    built_in: &'a Rules,
    expected: Option<Kind>,
}

impl Trial<'_> {
    fn file(&self, name: String, message: Message) -> Result<Tried, Failure> {
        let now = self.app.explain_by(&message, self.rules)?;
        let built_in = self.app.explain_by(&message, self.built_in)?;
        Ok(self.tried(name, message, now, built_in))
    }

    fn kept(&self, id: i64) -> Result<Result<Tried, String>, Failure> {
        let Some(stored) = query::message(self.app.store.read(), id)? else {
            return Ok(Err(format!("there is no message {id}")));
        };
        let now = self.app.explain_kept(&stored, self.rules)?;
        let built_in = self.app.explain_kept(&stored, self.built_in)?;
        Ok(match (now, built_in) {
            (Some((message, now)), Some((_, built_in))) => {
                Ok(self.tried(format!("message {id}"), message, now, built_in))
            }
            _ => Err(format!("message {id} is not kept: save it from your mail program")),
        })
    }

    fn tried(&self, name: String, message: Message, now: Examined, built_in: Examined) -> Tried {
        let kind = now.classification.kind;
        let mut clauses = self.rules.clauses(message.subject_without_prefixes(), &[]);
        clauses.extend(self.rules.clauses(&spoken_text(&message), &[]));
        let is_expected = self.expected.is_none_or(|expected| expected == kind);
        Tried { name, message, now, built_in, clauses, is_expected }
    }
}

/// Tries the mails in the order given.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let rules = super::read_aloud(cx, args.rules.as_deref())?;
    let built_in = super::read_built_in()?;
    let expected = args.expect.as_deref().and_then(Kind::parse);
    let trial = Trial { app: &app, rules: &rules, built_in: &built_in, expected };
    let mut tried = Vec::new();
    let mut failed: Vec<(String, String)> = Vec::new();
    for what in &args.what {
        if let (Ok(id), false) = (what.parse::<i64>(), Path::new(what).exists()) {
            match trial.kept(id)? {
                Ok(mail) => tried.push(mail),
                Err(why) => failed.push((what.clone(), why)),
            }
            continue;
        }
        for mail in files::read(&[PathBuf::from(what)], args.folder.as_deref()) {
            match mail {
                Ok(mail) => {
                    let path = mail.path.display();
                    let name = match mail.position {
                        Some(n) => format!("{path}, mail {n}"),
                        None => path.to_string(),
                    };
                    tried.push(trial.file(name, explain::parsed(&mail))?);
                }
                Err(error) => {
                    failed.push((error.path.display().to_string(), error.fault.to_string()));
                }
            }
        }
    }
    if args.json {
        render::print_json(&document(&rules, args, &tried, &failed, masking))?;
    } else {
        let texts = tried.iter().map(|mail| text(mail, &rules, args, masking));
        render::print(&format!("{}{}\n", texts.collect::<String>(), summary(&tried, args)))?;
        for (what, why) in &failed {
            let (what, why) = (render::escaped(what), render::escaped(why));
            anstream::eprintln!("cannot try {what}: {why}");
        }
    }
    match failed.is_empty() && tried.iter().all(|mail| mail.is_expected) {
        true => Ok(()),
        false => Err(Failure::silent(FAILED)),
    }
}

fn text(mail: &Tried, rules: &Rules, args: &Args, masking: &Masking) -> String {
    let mut lines = vec![
        ("subject", masking.text(&mail.message.subject)),
        (
            "from",
            format!(
                "{} ({})",
                masking.text(&mail.message.sender_line()),
                mail.now.authenticity.verdict.as_str().replace('_', " ")
            ),
        ),
        ("kind", told(&mail.now.classification)),
        ("decided by", decided_by(&mail.now.classification, rules, masking)),
    ];
    if mail.differs() {
        let alone = &mail.built_in.classification;
        lines.push((
            "built-in",
            styled(
                &format!("{} ({})", told(alone), decided_by(alone, rules, masking)),
                render::WARN,
            ),
        ));
    }
    if !mail.is_expected {
        let expected = args.expect.as_deref().unwrap_or_default().replace('_', " ");
        lines.push(("expected", styled(&expected, render::ALARM)));
    }
    let mut text = format!("{}\n", styled(&render::escaped(&mail.name), render::STRONG));
    for (name, value) in lines {
        text.push_str(&format!("  {}  {value}\n", styled(&format!("{name:<10}"), render::FAINT)));
    }
    if args.clauses || !mail.is_recognised() {
        const SHOWN: usize = 20;
        for (n, clause) in mail.clauses.iter().take(SHOWN).enumerate() {
            let name = if n == 0 { "clauses" } else { "" };
            text.push_str(&format!(
                "  {}  {}\n",
                styled(&format!("{name:<10}"), render::FAINT),
                masking.text(clause)
            ));
        }
        if SHOWN < mail.clauses.len() {
            text.push_str(&format!("              … and {} more\n", mail.clauses.len() - SHOWN));
        }
    }
    text.push('\n');
    text
}

/// The kind with its reason.
fn told(classification: &Classification) -> String {
    let kind = classification.kind.as_str().replace('_', " ");
    let reason = classification
        .reason
        .map_or_else(String::new, |r| format!(" ({})", r.as_str().replace('_', " ")));
    let review = if classification.review { ", for review" } else { "" };
    format!("{kind}{reason}{review}")
}

/// The rule with the words that decided, and whose rule it is.
fn decided_by(classification: &Classification, rules: &Rules, masking: &Masking) -> String {
    let why = classification.because.first().map_or("", String::as_str);
    match &classification.rule {
        None => format!("what the mail is: {}", masking.text(why)),
        Some(_) if !classification.is_recognised => {
            format!("no rule knows this wording; {}", masking.text(why))
        }
        Some(id) => {
            let is_users = rules.all().iter().any(|rule| rule.id == *id && rule.origin.is_users());
            format!("{}{}", masking.text(why), if is_users { " (yours)" } else { "" })
        }
    }
}

fn summary(tried: &[Tried], args: &Args) -> String {
    let count = |fits: &dyn Fn(&Tried) -> bool| tried.iter().filter(|mail| fits(mail)).count();
    let mut parts = vec![render::counted(tried.len(), "mail")];
    let others = [
        (count(&|mail| !mail.is_recognised()), "not recognised"),
        (count(&|mail| mail.differs()), "decided otherwise than by the built-in rules"),
        (count(&|mail| !mail.is_expected), "not as expected"),
    ];
    parts.extend(others.iter().filter(|(n, _)| 0 < *n).map(|(n, what)| format!("{n} {what}")));
    if let (Some(kind), true) = (&args.expect, tried.iter().all(|mail| mail.is_expected)) {
        parts.push(format!("all {}", kind.replace('_', " ")));
    }
    parts.join(", ")
}

fn document(
    rules: &Rules,
    args: &Args,
    tried: &[Tried],
    failed: &[(String, String)],
    masking: &Masking,
) -> Value {
    let count = |fits: &dyn Fn(&Tried) -> bool| tried.iter().filter(|mail| fits(mail)).count();
    let decision = |classification: &Classification| {
        json!({
            "kind": classification.kind.as_str(),
            "reason": classification.reason.map(|reason| reason.as_str()),
            "rule": classification.rule,
            "review": classification.review,
            "because": classification.because.iter().map(|b| masking.plain(b)).collect::<Vec<_>>(),
        })
    };
    let mails: Vec<Value> = tried
        .iter()
        .map(|mail| {
            let rule = mail.now.classification.rule.as_deref();
            let known = rules.all().iter().find(|known| Some(known.id.as_str()) == rule);
            json!({
                "name": mail.name,
                "subject": masking.plain(&mail.message.subject),
                "from": masking.plain(&mail.message.sender_line()),
                "authenticity": mail.now.authenticity.verdict.as_str(),
                "decision": decision(&mail.now.classification),
                "origin": known.map(|rule| super::origin(rule.origin)),
                "recognised": mail.is_recognised(),
                "built_in": decision(&mail.built_in.classification),
                "differs": mail.differs(),
                "expected": args.expect.as_ref().map(|_| mail.is_expected),
                "clauses": args.clauses.then(|| {
                    mail.clauses.iter().map(|clause| masking.plain(clause)).collect::<Vec<_>>()
                }),
            })
        })
        .collect();
    json!({
        "schema": "acewatch.rules_test/1",
        "counts": {
            "mails": tried.len(),
            "unrecognised": count(&|mail| !mail.is_recognised()),
            "differ": count(&|mail| mail.differs()),
            "unexpected": count(&|mail| !mail.is_expected),
        },
        "mails": mails,
        "failed": failed.iter().map(|(file, error)| json!({ "file": file, "error": error }))
            .collect::<Vec<_>>(),
    })
}
