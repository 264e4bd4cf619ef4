//! `acewatch subject`: prints the right subject line of an application, or what is wrong with one.

use serde_json::{Value, json};

use super::failure::{FAILED, Failure};
use super::render::{self, Masking};
use super::{Context, select};
use crate::domain::importer::{ImporterNumber, NumberError};
use crate::domain::subject_line::{composed, lint};
use crate::domain::submission::{Fault, Finding};

/// Print the right subject line of an application, or say what is wrong with one
///
/// The mail of the form's own button is to name the company and its EIN; with --fallback the line
/// is the one for a mail written by hand, with the full importer number. An EIN without suffix
/// means the suffix 00. Nothing needs to be registered for this; of an application that is, APP says
/// enough.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A registered application: its id, its importer number, or a part of its company's name
    #[arg(value_name = "APP", conflicts_with_all = ["company", "number", "lint"])]
    application: Option<String>,
    /// The company's name as CBP has it on file (Form 5106)
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present_any = ["lint", "application"],
        conflicts_with = "lint"
    )]
    company: Option<String>,
    /// The importer number
    #[arg(
        long,
        value_name = "NUMBER",
        required_unless_present_any = ["lint", "application"],
        conflicts_with = "lint"
    )]
    number: Option<String>,
    /// For a mail written by hand, where the form's button does not work
    #[arg(long)]
    fallback: bool,
    /// Say what is wrong with a subject line; the exit code is 1 if anything is
    #[arg(long, value_name = "LINE")]
    lint: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Prints the line or the faults.
///
/// # Errors
///
/// A number or a name that cannot be used, or, silently, a faulty line.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let plain = Masking { reveal: cx.global.reveal, ..Masking::default() };
    let (line, is_asked, masking) = match (&args.lint, &args.application) {
        (Some(line), _) => (line.clone(), true, plain),
        (None, Some(written)) => {
            let app = cx.app_to_look()?;
            let masking = cx.masking(&app)?;
            let application = select::application(&app, written, &masking)?.application;
            (line_of(&application.company, &application.number, args, &masking), false, masking)
        }
        (None, None) => {
            let written = args.number.as_deref().unwrap_or_default();
            let number: ImporterNumber = written.parse().map_err(|error: NumberError| {
                Failure::usage("the importer number cannot be used").because(error)
            })?;
            let company = args.company.as_deref().unwrap_or_default();
            (line_of(company, &number, args, &plain), false, plain)
        }
    };
    let masking = &masking;
    let mut faults = lint(&line, args.fallback);
    if !is_asked {
        // Said as a warning already: the number may be right all the same.
        faults.retain(|found| found.fault != Fault::UnlikelyNumber);
    }
    match (is_asked, faults.as_slice()) {
        (false, [fault, ..]) => {
            return Err(Failure::usage("no good subject line can be made of this company's name")
                .hint(masking.text(&fault.because)));
        }
        _ if args.json => render::print_json(&document(&line, &faults, masking))?,
        (false, []) => render::print(&format!("{}\n", masking.text(&line)))?,
        (true, _) => render::print(&report(&line, &faults, masking))?,
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

/// The right line; says beforehand what is odd about the number.
fn line_of(company: &str, number: &ImporterNumber, args: &Args, masking: &Masking) -> String {
    if let Some(warning) = number.warning() {
        tracing::warn!("{warning}");
    }
    if number.is_ssn() && !masking.reveal {
        tracing::warn!("the social security number is masked; --reveal shows it");
    }
    composed(company, number, args.fallback)
}

fn document(line: &str, faults: &[Finding], masking: &Masking) -> Value {
    json!({
        "schema": "acewatch.subject/1",
        "subject": masking.plain(line),
        "ok": faults.is_empty(),
        "faults": faults_json(faults, masking),
    })
}

/// Faults for JSON.
pub(crate) fn faults_json(faults: &[Finding], masking: &Masking) -> Vec<Value> {
    let described = |found: &Finding| json!({ "name": found.fault.as_str(), "because": masking.plain(&found.because) });
    faults.iter().map(described).collect()
}

fn report(line: &str, faults: &[Finding], masking: &Masking) -> String {
    if faults.is_empty() {
        return format!("nothing is wrong with {:?}\n", masking.text(line));
    }
    let lines = faults.iter().map(|fault| {
        let name = render::styled(fault.fault.as_str(), render::ALARM);
        format!("{name}: {}\n", masking.text(&fault.because))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_social_security_number_is_masked_in_every_answer() {
        let masking = &Masking::default();
        let line = "Marlow Tins, IR# 123-45-6789 (SSN)";
        assert!(!document(line, &[], masking).to_string().contains("123-45"));
        assert!(!report(line, &[], masking).contains("123-45"));
    }
}
