//! `acewatch edit`: correct what is registered about an application.

use chrono::{DateTime, Utc};
use clap::builder::PossibleValuesParser;

use super::add::{company_of, liquidated_on, listed, number_of};
use super::close::Target;
use super::failure::Failure;
use super::{Context, render};
use crate::clock;
use crate::domain::application::Route;
use crate::domain::edit::Edit;

/// Correct what is registered about an application
///
/// Mails that wait for review are looked at again, as they may be about it under its new name. The
/// importer number can be corrected until a mail was recorded for it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// The company's name as CBP has it on file (Form 5106)
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// The importer number: EIN with suffix (without: 00), SSN, or CBP-assigned
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// How it is sent
    #[arg(long, value_parser = PossibleValuesParser::new(Route::ALL.map(Route::as_str)))]
    route: Option<String>,
    /// Another name of the company; may be repeated
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// A name that is not the company's; may be repeated
    #[arg(long, value_name = "NAME")]
    remove_alias: Vec<String>,
    /// A label of your own; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A label to take off; may be repeated
    #[arg(long, value_name = "TAG")]
    remove_tag: Vec<String>,
    /// Whom to ask; "" for nobody
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// A remark; "" for none
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// The earliest day on which an entry of the company was liquidated, YYYY-MM-DD; "" for none
    #[arg(long, value_name = "DATE")]
    liquidated: Option<String>,
    /// A ticket number that does not belong to it; may be repeated
    #[arg(long, value_name = "NUMBER")]
    remove_ticket: Vec<String>,
}

/// Corrects.
///
/// # Errors
///
/// Nothing is to be changed, or something cannot be; then nothing is.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let edit = edit_of(args, clock::now())?;
    if edit == Edit::default() {
        return Err(Failure::usage("nothing is to be changed")
            .hint("say what: `acewatch edit --help` lists it"));
    }
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let target = Target::of(&mut app, &args.application, at, &masking)?;
    if let Some(warning) = edit.number.as_ref().and_then(|number| number.warning()) {
        tracing::warn!("{warning}");
    }
    let id = target.summary.application.id;
    let changes = target.app.edit(id, &edit, at)?;
    if changes.is_empty() {
        return render::print(&format!("so already, nothing changed: {}\n", target.name));
    }
    // A corrected number may be a social security number that was none of the registered ones.
    let masking = cx.masking(target.app)?;
    let mut text = format!("edited {}\n", target.name);
    for change in changes {
        text.push_str(&format!("  {}\n", masking.text(&change)));
    }
    render::print(&text)
}

fn edit_of(args: &Args, now: DateTime<Utc>) -> Result<Edit, Failure> {
    let refused =
        |what: &str, why: &str| Failure::usage(format!("the {what} cannot be used: {why}"));
    let company = args.company.as_deref().map(company_of).transpose();
    let number = args.number.as_deref().map(number_of).transpose();
    let all = |texts: &[String]| listed(texts.iter().map(String::as_str));
    let text = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    let liquidated_on = match args.liquidated.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(written) => {
            let day = liquidated_on(written, now);
            Some(Some(day.map_err(|why| refused("day of the liquidation", &why))?))
        }
    };
    for name in &args.aliases {
        company_of(name).map_err(|why| refused("alias", &why))?;
    }
    Ok(Edit {
        company: company.map_err(|why| refused("company", &why))?,
        number: number.map_err(|why| refused("importer number", &why))?,
        route: args.route.as_deref().and_then(Route::parse),
        aliases_added: all(&args.aliases),
        aliases_removed: all(&args.remove_alias),
        tags_added: all(&args.tags),
        tags_removed: all(&args.remove_tag),
        contact: text(&args.contact),
        notes: text(&args.notes),
        liquidated_on,
        tickets_removed: all(&args.remove_ticket),
    })
}
