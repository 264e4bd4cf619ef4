//! Which application a person means: an id, an importer number in any written form, or a part of
//! a company's name that fits only one.

use super::failure::Failure;
use super::render::Masking;
use crate::app::App;
use crate::domain::application::ApplicationId;
use crate::domain::company::company_key;
use crate::domain::importer::ImporterNumber;
use crate::store::query::{self, Summary};

/// Finds the application that `written` names.
///
/// # Errors
///
/// None or several fit; the message lists them.
pub fn application(app: &App, written: &str, masking: &Masking) -> Result<Summary, Failure> {
    let db = app.store.read();
    let ids = candidates(app, written)?;
    let found = ids
        .iter()
        .filter_map(|id| query::summary_of(db, *id).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    match <[Summary; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => {
            Err(Failure::new(format!("no application fits {:?}", masking.plain(written)))
                .hint("`acewatch status --all` lists them; `acewatch add` registers one"))
        }
        Err(several) => {
            let list: Vec<String> = several
                .iter()
                .take(10)
                .map(|s| {
                    let ApplicationId(id) = s.application.id;
                    format!(
                        "{id}  {}  {}  {}",
                        masking.number(&s.application.number),
                        s.application.route.as_str(),
                        masking.text(&s.application.company)
                    )
                })
                .collect();
            Err(Failure::new(format!(
                "{} applications fit {:?}",
                several.len(),
                masking.plain(written)
            ))
            .hint(format!("name one by its id:\n{}", list.join("\n"))))
        }
    }
}

fn candidates(app: &App, written: &str) -> Result<Vec<ApplicationId>, Failure> {
    let db = app.store.read();
    if let Ok(id) = written.trim().trim_start_matches('#').parse::<i64>()
        && query::summary_of(db, ApplicationId(id))?.is_some()
    {
        return Ok(vec![ApplicationId(id)]);
    }
    if let Ok(number) = written.parse::<ImporterNumber>() {
        let exact = query::with_number(db, &number)?;
        // A bare EIN means its `00`, and where that is not registered, whatever is.
        return match (exact.is_empty(), number.ein()) {
            (true, Some(ein)) if number.suffix() == Some("00") => Ok(query::with_ein(db, ein)?),
            _ => Ok(exact),
        };
    }
    let key = company_key(written);
    let parts = if key.is_empty() { Vec::new() } else { query::with_name_part(db, &key)? };
    // A name in full outdoes the longer names that contain it.
    let exact: Vec<ApplicationId> = parts
        .iter()
        .copied()
        .filter(|id| {
            query::summary_of(db, *id)
                .ok()
                .flatten()
                .is_some_and(|s| company_key(&s.application.company) == key)
        })
        .collect();
    Ok(if exact.is_empty() { parts } else { exact })
}
