//! A correction of what is registered about an application.

use chrono::NaiveDate;

use super::application::{Application, Route};
use super::company::company_key;
use super::importer::ImporterNumber;

/// What is to be changed. An empty one changes nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Edit {
    /// The company's name.
    pub company: Option<String>,
    /// The importer number.
    pub number: Option<ImporterNumber>,
    /// How it is sent.
    pub route: Option<Route>,
    /// Names of the company to add.
    pub aliases_added: Vec<String>,
    /// Names of the company to remove.
    pub aliases_removed: Vec<String>,
    /// Labels to add.
    pub tags_added: Vec<String>,
    /// Labels to remove.
    pub tags_removed: Vec<String>,
    /// Whom to ask; an empty text removes it.
    pub contact: Option<String>,
    /// The remarks; an empty text removes them.
    pub notes: Option<String>,
    /// The earliest liquidation of an entry; an empty one removes it.
    pub liquidated_on: Option<Option<NaiveDate>>,
    /// Ticket numbers that no longer lead to it.
    pub tickets_removed: Vec<String>,
}

/// Something that is to be removed is not there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no {what} {written:?} to remove")]
pub struct NotThere {
    /// An alias, a tag or a ticket.
    pub what: &'static str,
    /// As the user wrote it.
    pub written: String,
}

impl Edit {
    /// The application as it is afterwards, and what changes, a phrase each. The tickets are not
    /// the application's own and are left to the caller.
    ///
    /// # Errors
    ///
    /// An alias or a tag that is to be removed and is not there.
    pub fn applied_to(&self, before: &Application) -> Result<(Application, Vec<String>), NotThere> {
        let mut after = before.clone();
        let mut changes = Vec::new();
        if let Some(company) = self.company.as_ref().filter(|name| **name != before.company) {
            changes.push(format!("company: {company}, before: {}", before.company));
            after.company.clone_from(company);
        }
        if let Some(number) = self.number.as_ref().filter(|number| **number != before.number) {
            let (new, old) = (number.masked(), before.number.masked());
            changes.push(format!("importer number: {new}, before: {old}"));
            after.number.clone_from(number);
        }
        if let Some(route) = self.route.filter(|route| *route != before.route) {
            changes.push(format!("route: {}, before: {}", route.as_str(), before.route.as_str()));
            after.route = route;
        }
        let aliases = (&self.aliases_removed[..], &self.aliases_added[..]);
        change("alias", &mut after.aliases, aliases, &mut changes, |a, b| {
            a == b || company_key(a) == company_key(b)
        })?;
        let tags = (&self.tags_removed[..], &self.tags_added[..]);
        change("tag", &mut after.tags, tags, &mut changes, |a, b| {
            a.to_lowercase() == b.to_lowercase()
        })?;
        replace("contact", &mut after.contact, self.contact.as_ref(), &mut changes);
        replace("notes", &mut after.notes, self.notes.as_ref(), &mut changes);
        if let Some(day) = self.liquidated_on.filter(|day| *day != before.liquidated_on) {
            changes.push(match day {
                Some(day) => format!("earliest liquidation: {day}"),
                None => "earliest liquidation removed".to_owned(),
            });
            after.liquidated_on = day;
        }
        Ok((after, changes))
    }
}

/// Removes from a list, then adds to it what is not there.
fn change(
    what: &'static str,
    list: &mut Vec<String>,
    (removed, added): (&[String], &[String]),
    changes: &mut Vec<String>,
    is_same: impl Fn(&str, &str) -> bool,
) -> Result<(), NotThere> {
    for written in removed {
        let n_before = list.len();
        list.retain(|own| !is_same(own, written));
        if list.len() == n_before {
            return Err(NotThere { what, written: written.clone() });
        }
        changes.push(format!("{what} removed: {written}"));
    }
    for written in added {
        if !list.contains(written) {
            list.push(written.clone());
            changes.push(format!("{what} added: {written}"));
        }
    }
    Ok(())
}

fn replace(what: &str, own: &mut Option<String>, new: Option<&String>, changes: &mut Vec<String>) {
    let Some(new) = new else { return };
    let new = Some(new.clone()).filter(|text| !text.is_empty());
    if *own == new {
        return;
    }
    changes.push(match &new {
        Some(text) => format!("{what}: {text}"),
        None => format!("{what} removed"),
    });
    *own = new;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application() -> Application {
        Application {
            aliases: vec!["Acme Trading, Inc.".to_owned()],
            tags: vec!["North".to_owned()],
            contact: Some("Ms. Fictional".to_owned()),
            ..Application::example()
        }
    }

    #[test]
    fn every_change_is_told_and_what_is_so_already_is_none() {
        let check = |edit: Edit, expected: &[&str]| {
            let (_, changes) = edit.applied_to(&application()).unwrap();
            assert_eq!(changes, expected);
        };
        let texts = |text: &str| vec![text.to_owned()];
        let text = |text: &str| Some(text.to_owned());
        check(Edit::default(), &[]);
        check(
            Edit { company: text("Acme Import LLC"), ..Edit::default() },
            &["company: Acme Import LLC, before: Acme Imports LLC"],
        );
        check(Edit { company: text("Acme Imports LLC"), ..Edit::default() }, &[]);
        check(
            Edit { number: "123-45-6789".parse().ok(), ..Edit::default() },
            &["importer number: ***-**-6789, before: 12-345678900"],
        );
        check(
            Edit { route: Some(Route::WebImporter), ..Edit::default() },
            &["route: web-importer, before: email"],
        );
        check(
            Edit {
                aliases_removed: texts("ACME TRADING INC"),
                aliases_added: texts("Acme Trade"),
                ..Edit::default()
            },
            &["alias removed: ACME TRADING INC", "alias added: Acme Trade"],
        );
        check(Edit { tags_added: texts("North"), ..Edit::default() }, &[]);
        check(Edit { tags_removed: texts("north"), ..Edit::default() }, &["tag removed: north"]);
        check(Edit { contact: text(""), ..Edit::default() }, &["contact removed"]);
        check(Edit { notes: text(""), ..Edit::default() }, &[]);
        check(Edit { notes: text("by fax"), ..Edit::default() }, &["notes: by fax"]);
    }

    #[test]
    fn what_is_not_there_cannot_be_removed() {
        let edit = Edit { aliases_removed: vec!["Acme".to_owned()], ..Edit::default() };
        assert_eq!(
            edit.applied_to(&application()).unwrap_err().to_string(),
            "there is no alias \"Acme\" to remove"
        );
    }
}
