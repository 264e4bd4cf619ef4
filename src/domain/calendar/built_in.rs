//! The closures that are part of the program: `config/closures.toml`, whose head explains its keys.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

/// What the file says.
pub(super) struct BuiltIn {
    /// Closed days, and the phrase that says why.
    pub closures: BTreeMap<NaiveDate, String>,
    /// Days on which the offices closed at noon, likewise.
    pub half_days: BTreeMap<NaiveDate, String>,
    /// The last day for which an order would be in the file if there was one.
    pub known_until: NaiveDate,
}

/// Reads the file.
pub(super) fn built_in() -> BuiltIn {
    #[expect(clippy::expect_used, reason = "the file is part of the program and a test parses it")]
    let file: File = toml::from_str(include_str!("../../../config/closures.toml"))
        .expect("the built-in closures are well-formed");
    let mut closures = BTreeMap::new();
    let mut half_days = BTreeMap::new();
    for Entry { by, dates, half_day } in file.closure {
        for date in dates {
            match half_day {
                true => half_days.insert(date, format!("half day by {by}")),
                false => closures.insert(date, format!("closed by {by}")),
            };
        }
    }
    BuiltIn { closures, half_days, known_until: file.known_until }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    known_until: NaiveDate,
    pub closure: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    by: String,
    pub dates: Vec<NaiveDate>,
    #[serde(default)]
    pub half_day: bool,
}
