//! The calendars by which dates were computed.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::domain::application::ApplicationId;
use crate::domain::calendar::Inputs;
use crate::domain::zone::Zone;

type Result<T> = std::result::Result<T, Error>;

/// What the dates of a calendar depend on, as the database keeps it.
#[derive(Deserialize, Serialize)]
struct Kept {
    zone: String,
    cut_off: Option<NaiveTime>,
    inauguration_day: bool,
    closures: BTreeMap<NaiveDate, String>,
}

/// Writes what the dates of a calendar depend on: two that write the same compute the same.
pub fn written(inputs: &Inputs) -> String {
    let Inputs { zone, cut_off, inauguration_day, closures } = inputs.clone();
    let zone = zone.name().to_owned();
    let kept = Kept { zone, cut_off, inauguration_day, closures };
    // Texts, dates and a truth value always become JSON.
    serde_json::to_string(&kept).unwrap_or_default()
}

/// The number of the calendar in force, which is recorded if it is new.
pub fn id_of(tx: &Transaction, inputs: &Inputs) -> Result<i64> {
    let written = written(inputs);
    let known = tx
        .prepare_cached("SELECT id FROM calendars WHERE inputs = ?1")?
        .query_row([&written], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => {
            tx.prepare_cached("INSERT INTO calendars (inputs) VALUES (?1)")?.execute([&written])?;
            Ok(tx.last_insert_rowid())
        }
    }
}

/// The number of the calendar by which an application's dates were computed last.
pub fn last_of(db: &Connection, application: ApplicationId) -> Result<Option<i64>> {
    let mut statement = db.prepare_cached("SELECT calendar FROM applications WHERE id = ?1")?;
    Ok(statement.query_row([application.0], |row| row.get(0)).optional()?.flatten())
}

/// What is kept of a calendar; `None` where it cannot be read any more. A zone that is the one of
/// `like` is not looked up again.
pub fn inputs(db: &Connection, id: i64, like: &Inputs) -> Result<Option<Inputs>> {
    let mut statement = db.prepare_cached("SELECT inputs FROM calendars WHERE id = ?1")?;
    let written: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    let kept = written.and_then(|written| serde_json::from_str::<Kept>(&written).ok());
    Ok(kept.and_then(|Kept { zone, cut_off, inauguration_day, closures }| {
        let zone = match like.zone.name() == zone {
            true => Some(like.zone.clone()),
            false => Zone::named(&zone),
        }?;
        Some(Inputs { zone, cut_off, inauguration_day, closures })
    }))
}

/// Remembers by which calendar an application's dates were computed.
pub fn used(tx: &Transaction, application: ApplicationId, id: i64) -> Result<()> {
    tx.prepare_cached("UPDATE applications SET calendar = ?2 WHERE id = ?1")?
        .execute([application.0, id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Calendar, Choices, Closure, HalfDays};
    use crate::store::Store;

    #[test]
    fn a_calendar_is_kept_once_and_reads_back() {
        let mut store = Store::in_memory().unwrap();
        let date = "2026-12-24".parse().unwrap();
        let closures = vec![Closure { date, because: "snow \"and\" ice".to_owned() }];
        let hour = NaiveTime::from_hms_opt(17, 0, 0);
        let choices =
            Choices { half_days: HalfDays::Closed, inauguration_day: true, known_until: None };
        let zone = Zone::named("America/Chicago").unwrap();
        let one = Calendar::new(zone, closures, hour).deciding(choices);
        let other = Calendar::new(Zone::new_york(), Vec::new(), None);
        let ids = store
            .write(|tx| -> Result<_> {
                [&one, &other, &one]
                    .iter()
                    .map(|c| id_of(tx, c.inputs()))
                    .collect::<Result<Vec<_>>>()
            })
            .unwrap();
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        for like in [&one, &other] {
            let read = inputs(store.read(), ids[0], like.inputs()).unwrap().unwrap();
            assert_eq!(&read, one.inputs());
        }
        assert_eq!(inputs(store.read(), 99, one.inputs()).unwrap(), None);
    }
}
