//! The table of `acewatch add --from`: text becomes rows, or a list of everything that is wrong.
//!
//! Tables come out of spreadsheets, which do things to them: a byte order mark, semicolons or
//! tabs for commas (where the comma is the decimal sign), `\r\n`, empty rows and columns, lost
//! leading zeros. What is harmless is read as it was meant; what is not is named with its line.
//! One faulty row refuses the whole table, so that a person mends the file and gives it again.

use std::collections::BTreeMap;

use super::{
    Limits, Row, company_of, filled, is_bare, liquidated_on, listed, number_of, quoted,
    submitted_at,
};
use crate::domain::application::Route;
use crate::domain::importer::ImporterNumber;
use crate::store::record::NewApplication;

/// Why a row cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    /// The line of the table, from 1.
    pub(super) line: usize,
    /// What is wrong, and what to write instead.
    pub(super) why: String,
}

/// The text of a file; or else the first line that is none, from 1.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, usize> {
    // Excel's "Unicode Text" is UTF-16 with tabs.
    let wide = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as fn([u8; 2]) -> u16)),
        _ => None,
    };
    if let Some((rest, unit)) = wide {
        let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        return String::from_utf16(&units).map_err(|_| 1);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        1 + good.iter().filter(|byte| **byte == b'\n').count()
    })
}

/// The columns of a table, in the order of the contract.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Column {
    Company,
    Number,
    Route,
    SubmittedAt,
    Aliases,
    Tags,
    Contact,
    Notes,
    LiquidatedOn,
}

impl Column {
    const ALL: [(Column, &'static str); 9] = [
        (Column::Company, "company"),
        (Column::Number, "number"),
        (Column::Route, "route"),
        (Column::SubmittedAt, "submitted_at"),
        (Column::Aliases, "aliases"),
        (Column::Tags, "tags"),
        (Column::Contact, "contact"),
        (Column::Notes, "notes"),
        (Column::LiquidatedOn, "liquidated_on"),
    ];

    fn of(heading: &str) -> Option<Column> {
        let heading = heading.trim().to_lowercase().replace([' ', '-'], "_");
        Column::ALL.into_iter().find(|(_, name)| *name == heading).map(|(column, _)| column)
    }
}

/// One row as it stands in the table.
struct Record {
    /// Where it begins, from 1.
    line: usize,
    cells: Vec<String>,
}

/// Reads a whole table: every row, or else everything that is wrong with it.
pub(super) fn rows_of(text: &str, limits: &Limits) -> Result<Vec<Row>, Vec<Fault>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut records = records_of(text)?.into_iter();
    let header = records.next().ok_or_else(|| {
        vec![Fault {
            line: 1,
            why: "the table is empty: it begins with a header row such as company,number"
                .to_owned(),
        }]
    })?;
    let columns = columns_of(&header)?;
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    let mut seen: BTreeMap<(ImporterNumber, Route), usize> = BTreeMap::new();
    for record in records {
        match row_of(&record, &columns, limits) {
            Ok(row) => {
                let key = (row.new.number.clone(), row.new.route);
                match seen.get(&key) {
                    Some(first) => faults.push(Fault {
                        line: record.line,
                        why: format!("the same number on the same route as line {first}"),
                    }),
                    None => {
                        seen.insert(key, record.line);
                        rows.push(row);
                    }
                }
            }
            Err(whys) => {
                faults.extend(whys.into_iter().map(|why| Fault { line: record.line, why }));
            }
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Takes the table apart, without its empty rows.
fn records_of(text: &str) -> Result<Vec<Record>, Vec<Fault>> {
    // A quotation mark that is never closed swallows every row after it without a word. A last
    // row of our own tells: it is there only if nothing has swallowed it.
    const END: &str = "\u{4}";
    let guarded = format!("{text}\n{END}\n");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter_of(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(guarded.as_bytes());
    let mut records = Vec::new();
    let mut lines = Lines { text: &guarded, done: 0, line: 1 };
    let mut is_whole = false;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                return Err(vec![Fault { line: lines.line, why: error.to_string() }]);
            }
        };
        // The reader counts the empty lines before a row as part of it.
        let line = record.position().map_or(lines.line, |position| lines.of(position.byte()));
        is_whole = record.len() == 1 && record.get(0) == Some(END);
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        if !is_whole && cells.iter().any(|cell| !cell.is_empty()) {
            records.push(Record { line, cells });
        }
    }
    match records.last() {
        Some(last) if !is_whole => Err(vec![Fault {
            line: last.line,
            why: "a quotation mark is opened in this row and never closed".to_owned(),
        }]),
        _ => Ok(records),
    }
}

/// Finds the line of a byte, for bytes in rising order.
struct Lines<'a> {
    text: &'a str,
    done: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the first byte at or after `byte` that ends no line.
    fn of(&mut self, byte: u64) -> usize {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).max(self.done);
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let to = from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.as_bytes().get(self.done..to).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.done = to;
        self.line
    }
}

/// What separates the cells: that which makes known headings of the first row.
fn delimiter_of(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let n_known = |delimiter: &u8| {
        let cells = header.split(char::from(*delimiter));
        cells.filter(|cell| Column::of(cell.trim().trim_matches('"')).is_some()).count()
    };
    // Of equals the last one counts as the greatest, and the comma is the usual one.
    [b'\t', b';', b','].into_iter().max_by_key(n_known).unwrap_or(b',')
}

/// What each column holds; `None` for one without a heading.
fn columns_of(header: &Record) -> Result<Vec<Option<Column>>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut fault = |why| faults.push(Fault { line: header.line, why });
    let mut columns = Vec::new();
    for heading in &header.cells {
        let column = Column::of(heading);
        if column.is_none() && !heading.is_empty() {
            fault(unknown_column(heading));
        }
        if column.is_some() && columns.contains(&column) {
            fault(format!("the column {heading:?} is there twice"));
        }
        columns.push(column);
    }
    for (column, name) in Column::ALL.into_iter().take(2) {
        if !columns.contains(&Some(column)) {
            fault(format!("there is no column {name:?}"));
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

fn unknown_column(heading: &str) -> String {
    let names = Column::ALL.map(|(_, name)| name);
    let lower = heading.to_lowercase();
    let nearest = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, name), name))
        .filter(|(likeness, _)| 0.8 < *likeness)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((_, name)) => format!("unknown column {heading:?}, the nearest known one is {name:?}"),
        None => format!("unknown column {heading:?}, known are {}", names.join(", ")),
    }
}

/// Reads a row, or says everything that is wrong with it.
fn row_of(
    record: &Record,
    columns: &[Option<Column>],
    limits: &Limits,
) -> Result<Row, Vec<String>> {
    let mut faults = Vec::new();
    let mut cells: BTreeMap<Column, &str> = BTreeMap::new();
    for (n, cell) in record.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        match columns.get(n).copied().flatten() {
            Some(column) => drop(cells.insert(column, cell)),
            None => faults.push(format!(
                "cell {} is under no heading; a text with a comma in it needs quotation marks",
                n + 1
            )),
        }
    }
    let cell = |column| cells.get(&column).copied().unwrap_or_default();
    let mut checked = |name: &str, why: String| faults.push(format!("{name}: {why}"));

    let company = company_of(cell(Column::Company)).map_err(|why| checked("company", why)).ok();
    let number = number_of(cell(Column::Number)).map_err(|why| checked("number", why)).ok();
    let route = match cell(Column::Route) {
        "" => Some(Route::default()),
        written => {
            let route = Route::parse(&written.to_lowercase().replace([' ', '_'], "-"));
            if route.is_none() {
                let known = Route::ALL.map(Route::as_str).join(", ");
                checked("route", format!("{} is none of {known}", quoted(written)));
            }
            route
        }
    };
    let submitted_at = filled(cell(Column::SubmittedAt)).and_then(|written| {
        submitted_at(&written, limits).map_err(|why| checked("submitted_at", why)).ok()
    });
    let liquidated_on = filled(cell(Column::LiquidatedOn)).and_then(|written| {
        liquidated_on(&written, limits.now).map_err(|why| checked("liquidated_on", why)).ok()
    });
    match (company, number, route) {
        (Some(company), Some(number), Some(route)) if faults.is_empty() => Ok(Row {
            line: Some(record.line),
            is_bare: is_bare(cell(Column::Number)),
            new: NewApplication {
                company,
                number,
                route,
                aliases: listed(cell(Column::Aliases).split(';')),
                tags: listed(cell(Column::Tags).split(';')),
                contact: filled(cell(Column::Contact)),
                notes: filled(cell(Column::Notes)),
                liquidated_on,
            },
            submitted_at,
        }),
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::zone::Zone;
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::calendar::Calendar;

    fn now() -> DateTime<Utc> {
        "2026-05-20T15:00:00Z".parse().unwrap()
    }

    fn read(text: &str) -> Result<Vec<Row>, Vec<Fault>> {
        rows_of(
            text,
            &Limits { calendar: &Calendar::new(Zone::new_york(), Vec::new(), None), now: now() },
        )
    }

    fn check(text: &str, expected: &[(usize, &str, &str)]) {
        let rows = read(text).unwrap();
        let rows: Vec<(usize, &str, String)> = rows
            .iter()
            .map(|row| (row.line.unwrap(), row.new.company.as_str(), row.new.number.to_string()))
            .collect();
        let expected: Vec<(usize, &str, String)> = expected
            .iter()
            .map(|(line, company, number)| (*line, *company, (*number).to_owned()))
            .collect();
        assert_eq!(rows, expected, "{text:?}");
    }

    fn check_faults(text: &str, expected: &[&str]) {
        let faults = read(text).unwrap_err();
        let faults: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.line, fault.why)).collect();
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault:?} does not begin with {expected:?}");
        }
    }

    const ONE: [(usize, &str, &str); 1] = [(2, "Acme Imports LLC", "12-345678900")];

    #[test]
    fn columns_come_in_any_order_and_case() {
        check("company,number\nAcme Imports LLC,12-345678900\n", &ONE);
        check("NUMBER, Company ,Submitted at\n12-3456789,Acme Imports LLC,\n", &ONE);
        check("tags,number,company\n,12-345678900,Acme Imports LLC", &ONE);
    }

    #[test]
    fn what_spreadsheets_do_to_a_table_is_undone() {
        check("\u{feff}company,number\r\nAcme Imports LLC,12-345678900\r\n", &ONE);
        check("company;number;tags\nAcme Imports LLC;12-345678900;\n", &ONE);
        check("company\tnumber\nAcme Imports LLC\t12-345678900\n", &ONE);
        check("\"company\";\"number\"\r\n\"Acme Imports LLC\";\"12-345678900\"\r\n", &ONE);
        check("company,number,,\nAcme Imports LLC,12-345678900,,\n,,,\n", &ONE);
        check(
            "company,number\n\n\nAcme Imports LLC,12-345678900\n\n",
            &[(4, "Acme Imports LLC", "12-345678900")],
        );
    }

    #[test]
    fn utf_16_is_read_and_other_bytes_are_named_by_line() {
        let wide: Vec<u8> = "\u{feff}company\tnumber\r\nÅse AS\t252303-00418\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        check(&text_of(wide).unwrap(), &[(2, "Åse AS", "252303-00418")]);
        assert_eq!(text_of(b"company,number\n\xd8sterby,1".to_vec()), Err(2));
        assert_eq!(text_of(b"plain".to_vec()), Ok("plain".to_owned()));
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        check(
            "company,notes,number\r\n\r\nOne Co,\"a\r\nnote\",12-345678900\r\n\r\nTwo Co,,12-345678901\r\n",
            &[(3, "One Co", "12-345678900"), (6, "Two Co", "12-345678901")],
        );
    }

    #[test]
    fn every_cell_arrives_where_it_belongs() {
        let rows = read(
            "company,number,route,submitted_at,aliases,tags,contact,notes,liquidated_on\n\
             \"Pomelo & Thyme Foods, Inc.\",68-139470200,Web-Importer,2026-05-06,Pomelo; Thyme;Pomelo,food; ,Ada,\"two\nlines\",2026-03-13\n",
        )
        .unwrap();
        let expected = Row {
            line: Some(2),
            is_bare: false,
            new: NewApplication {
                company: "Pomelo & Thyme Foods, Inc.".to_owned(),
                number: "68-139470200".parse().unwrap(),
                route: Route::WebImporter,
                aliases: vec!["Pomelo".to_owned(), "Thyme".to_owned()],
                tags: vec!["food".to_owned()],
                contact: Some("Ada".to_owned()),
                notes: Some("two\nlines".to_owned()),
                liquidated_on: "2026-03-13".parse().ok(),
            },
            submitted_at: Some("2026-05-06T04:00:00Z".parse().unwrap()),
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn every_faulty_row_is_named_with_its_line() {
        check_faults(
            "company,number,route,submitted_at\n\
             Good Co,12-345678900,,\n\
             ,12-345678901,,\n\
             Bad Co,12-34567890O,fax,05/06/2026\n\
             Bad Co,,email,2026-07-01\n\
             Good Co,12-345678900,email,\n\
             Old Co,12-345678902,,1026-05-04\n\
             Long Co,12-345678903,,,surplus\n",
            &[
                "3: company: it is missing",
                "4: number: a suffix has no letter O, I or Z",
                "4: route: \"fax\" is none of email, web-importer, web-general",
                "4: submitted_at: \"05/06/2026\" is no time",
                "5: number: the importer number is missing",
                "5: submitted_at: \"2026-07-01\" is in the future",
                "6: the same number on the same route as line 2",
                "7: submitted_at: \"1026-05-04\" is before there was an ACE",
                "8: cell 5 is under no heading",
            ],
        );
        check_faults(
            "company,number,liquidated_on\nOne Co,12-345678900,soon\nTwo Co,12-345678901,2009-01-01\n",
            &[
                "2: liquidated_on: \"soon\" is no date; write 2026-05-04",
                "3: liquidated_on: \"2009-01-01\" is more than ten years ago",
            ],
        );
    }

    #[test]
    fn one_number_may_be_registered_on_two_routes() {
        check(
            "company,number,route\nOne Co,12-345678900,email\nOne Co,12-345678900,web-general\n",
            &[(2, "One Co", "12-345678900"), (3, "One Co", "12-345678900")],
        );
    }

    #[test]
    fn numbers_that_a_spreadsheet_has_spoilt_are_told_as_such() {
        check_faults(
            "company,number\nOne Co,1.23457E+10\n",
            &["2: number: a spreadsheet has rounded"],
        );
        check_faults(
            "company,number\nOne Co,2345678900\n",
            &["2: number: 10 digits are one short"],
        );
    }

    #[test]
    fn a_header_that_cannot_be_used_is_told_before_any_row() {
        check_faults("", &["1: the table is empty"]);
        check_faults("\n \n", &["1: the table is empty"]);
        check_faults(
            "company,submitted\nx,y\n",
            &[
                "1: unknown column \"submitted\", the nearest known one is \"submitted_at\"",
                "1: there is no column \"number\"",
            ],
        );
        check_faults(
            "Acme Imports LLC,12-345678900\n",
            &[
                "1: unknown column",
                "1: unknown column",
                "1: there is no column \"company\"",
                "1: there is no column \"number\"",
            ],
        );
        check_faults("company,number,company\n", &["1: the column \"company\" is there twice"]);
    }

    #[test]
    fn an_open_quotation_mark_does_not_swallow_rows_in_silence() {
        check_faults(
            "company,number,notes\nOne Co,12-345678900,\"open\nTwo Co,12-345678901,\n",
            &["2: a quotation mark is opened in this row and never closed"],
        );
        check(
            "company,number\nPtarmigan Wool Co. DBA \"Snowfeather\",12-345678900\n",
            &[(2, "Ptarmigan Wool Co. DBA \"Snowfeather\"", "12-345678900")],
        );
        check("company,number\n5\" Pipe Co,12-345678900\n", &[(2, "5\" Pipe Co", "12-345678900")]);
    }

    #[test]
    fn a_table_of_a_header_alone_registers_nothing() {
        check("company,number\n", &[]);
    }

    #[test]
    fn no_digits_of_a_social_security_number_are_repeated() {
        let faults =
            read("company,number,submitted_at\nOne Co,123-45-678O,123-45-6789\n").unwrap_err();
        assert!(faults.iter().all(|fault| !fault.why.contains("123-45")), "{faults:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "(company,number\n)?[\\x00-\\x7fåß\",;\n]{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn any_bytes_get_an_answer(bytes: Vec<u8>) {
            let _ = text_of(bytes);
        }
    }
}
