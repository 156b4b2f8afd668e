//! Tests: a file that can be used again as a recipient list is read back unchanged.

use std::path::Path;

use proptest::prelude::*;

use crate::cli::output::rejects_csv::Rejects;
use crate::model::{CellProblem, Channel, Recipients, ReportRow, RowNumber, RowProblem, Source, State};
use crate::recipients::{self, Record};
use crate::report::{CsvDialect, CsvReport};
use crate::text::is_blank;

/// Any cell: quotes, delimiters, line breaks, letters of every script, and spreadsheet formulas.
fn cell() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[=+@-]?([a-z0-9]|[\",;\t\r\n \\\\']|\\PC){0,12}")
        .unwrap()
        .prop_filter("one that nobody sees is empty", |cell| !is_blank(cell) || cell.trim().is_empty())
}

/// Rows with `phone` and three more cells.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(cell(), 4), 0..12)
}

fn columns() -> Vec<String> {
    ["phone", "name", "state", "note"].map(str::to_owned).to_vec()
}

/// Returns the cells of these columns of a list.
fn read(list: &Path, columns: &[String]) -> Vec<Vec<String>> {
    let mut recipients = Recipients::new(Source::Csv(list.to_owned()), "phone");
    recipients.reading.trim = false;
    let mut reader = recipients::open(&recipients).unwrap();
    let place = |name: &String| reader.columns().iter().position(|known| known == name).unwrap();
    let places: Vec<usize> = columns.iter().map(place).collect();
    let mut record = Record::default();
    let mut rows = Vec::new();
    while reader.read(&mut record).unwrap() {
        assert_eq!(record.problem, None);
        rows.push(places.iter().map(|place| record.cells[*place].clone()).collect());
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_report_with_the_input_is_read_back_as_the_input(table in table()) {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        let mut report = CsvReport::new(std::fs::File::create(&list).unwrap(), CsvDialect::default(), &columns()).unwrap();
        for (number, cells) in (1..).zip(&table) {
            let row = ReportRow {
                row: RowNumber(number),
                to: cells[0].clone(),
                channel: Channel::Whatsapp,
                state: State::Rejected,
                message_id: None,
                attempts: 1,
                accepted_at: None,
                delivered_at: None,
                read_at: None,
                error_code: Some("132012".to_owned()),
                error_message: Some(cells[3].clone()),
                cells: cells.clone(),
            };
            report.write(&row).unwrap();
        }
        report.finish().unwrap();
        let back = read(&list, &columns());
        prop_assert_eq!(back.len(), table.len());
        for (back, cell) in back.iter().flatten().zip(table.iter().flatten()) {
            // Formulas get an apostrophe in front; nothing else changes.
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            prop_assert!(back == cell || formula && *back == format!("'{cell}"), "{back:?} was {cell:?}");
        }
    }

    #[test]
    fn rejected_rows_are_read_back_as_they_were_with_their_problem(
        table in table(),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("rejects.csv");
        let problem = RowProblem::from(CellProblem::Empty).column("the \"name\"; of it");
        let mut rejects = Rejects::create(&list, &columns(), delimiter).unwrap();
        for (row, cells) in (7..).zip(&table) {
            rejects.add(row, &serde_json::to_string(cells).unwrap(), std::slice::from_ref(&problem)).unwrap();
        }
        rejects.finish().unwrap();
        let rows: Vec<String> = read(&list, &["input_row".to_owned()]).concat();
        prop_assert_eq!(rows, (7..).take(table.len()).map(|row| row.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(read(&list, &columns()), table.clone());
        let problems = read(&list, &["problem".to_owned()]);
        prop_assert!(problems.len() == table.len() && problems.iter().all(|cells| cells[0] == problem.to_string()));
    }
}
