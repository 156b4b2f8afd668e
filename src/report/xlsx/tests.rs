//! What is in the workbook, read by the reader of recipient lists and in its XML.

use std::io::{Cursor, Read as _};

use super::workbook::MAX_ROWS;
use super::*;
use crate::model::State;
use crate::report::sample::{accepted, facts, row, rows};
use crate::report::{CsvDialect, CsvReport};

fn written(rows: &[ReportRow], columns: &[&str]) -> Vec<u8> {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut summary = Summary::new(facts());
    let mut report = XlsxReport::new(Vec::new(), facts().zone, &columns).unwrap();
    for row in rows {
        report.write(row).unwrap();
        summary.add(row);
    }
    report.finish(&summary).unwrap()
}

fn part(workbook: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The cells of a sheet, by their names, as they are in the file.
fn cells(workbook: &[u8], sheet: &str) -> Vec<(String, String)> {
    let xml = part(workbook, sheet);
    let cells = xml.split("<c r=\"").skip(1).map(|cell| {
        let (name, rest) = cell.split_once('"').unwrap();
        let inner = rest.split("</c>").next().unwrap();
        let value = inner.rsplit_once("</").unwrap().0;
        let value = value.trim_end_matches("</t>");
        (name.to_owned(), value.rsplit_once('>').unwrap().1.to_owned())
    });
    cells.collect()
}

#[test]
fn it_has_the_cells_of_the_csv_and_times_of_the_campaigns_zone() {
    let workbook = written(&rows(), &[]);
    let cells = cells(&workbook, "xl/worksheets/sheet1.xml");
    let mut csv = CsvReport::new(Vec::new(), CsvDialect::default(), &[]).unwrap();
    rows().iter().for_each(|row| csv.write(row).unwrap());
    let csv = csv.finish().unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*csv);
    for (number, record) in (1..).zip(reader.records().map(Result::unwrap)) {
        for (letter, expected) in ('A'..='K').zip(record.iter()) {
            let name = format!("{letter}{number}");
            let found = cells.iter().find(|(cell, _)| *cell == name).map(|(_, text)| text.as_str()).unwrap_or_default();
            let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            match letter {
                'G'..='I' if number == 1 => assert_eq!(found, format!("{expected} (Asia/Hong_Kong)")),
                'G'..='I' => assert_eq!(found.is_empty(), expected.is_empty(), "{name}"),
                _ => assert_eq!(found, crate::text::unescape_formula(expected), "{name}"),
            }
        }
    }
}

#[test]
fn a_time_is_that_of_the_zones_clock() {
    let row = ReportRow { accepted_at: Millis::written("2026-03-23T18:00:00Z"), ..accepted(1, 0, State::Accepted) };
    let cells = cells(&written(&[row], &[]), "xl/worksheets/sheet1.xml");
    // 2026-03-24 02:00 in Hong Kong.
    assert!(cells.contains(&("G2".to_owned(), format!("{}", 46_105.0 + 2.0 / 24.0))), "{cells:?}");
}

#[test]
fn text_stays_text_and_characters_that_xml_lacks_are_escaped() {
    let texts = ["=1+1", "a\u{1}b\r", "_x0041_", "<b> & \"c\"", "00123"];
    let row = ReportRow { cells: texts.map(str::to_owned).to_vec(), ..row(1, "85268411234", State::Invalid) };
    let workbook = written(&[row], &["a", "b", "c", "d", "e"]);
    let cells = cells(&workbook, "xl/worksheets/sheet1.xml");
    let expected =
        [("L2", "=1+1"), ("M2", "a_x0001_b_x000D_"), ("N2", "_x005F_x0041_"), ("O2", "&lt;b&gt; &amp; &quot;c&quot;")];
    for (name, text) in expected {
        assert!(cells.contains(&(name.to_owned(), text.to_owned())), "{name}: {cells:?}");
    }
    let long = ReportRow { error_message: Some("é".repeat(40_000)), ..accepted(1, 0, State::Failed) };
    let cells = self::cells(&written(&[long], &[]), "xl/worksheets/sheet1.xml");
    let (_, message) = cells.iter().find(|(name, _)| name == "K2").unwrap();
    assert!(message.chars().count() <= 32_767);
}

#[test]
fn rows_beyond_a_sheet_are_on_the_next_one() {
    let rows: Vec<ReportRow> = (1..=u64::from(MAX_ROWS)).map(|at| row(at, "85268411234", State::Invalid)).collect();
    let workbook = written(&rows, &[]);
    let first = cells(&workbook, "xl/worksheets/sheet1.xml");
    let second = cells(&workbook, "xl/worksheets/sheet2.xml");
    let numbers = |cells: &[(String, String)]| -> Vec<String> {
        let is_number = |name: &str| name.starts_with('A') && name != "A1";
        cells.iter().filter(|(name, _)| is_number(name)).map(|(_, text)| text.clone()).collect()
    };
    assert_eq!(numbers(&first).len() + numbers(&second).len(), rows.len());
    assert_eq!(numbers(&second), [MAX_ROWS.to_string()]);
    assert!(second.contains(&("A1".to_owned(), "row".to_owned())));
    let names = part(&workbook, "xl/workbook.xml");
    assert!(names.find("Summary") < names.find("Recipients"), "{names}");
    assert!(names.contains("Recipients 2"), "{names}");
}

#[test]
fn the_summary_adds_up_and_the_same_rows_give_the_same_bytes() {
    let workbook = written(&rows(), &[]);
    assert_eq!(workbook, written(&rows(), &[]));
    let cells = cells(&workbook, "xl/worksheets/sheet2.xml");
    let value = |of: &str| {
        let (name, _) = cells.iter().find(|(_, text)| text == of).unwrap();
        let row = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        cells.iter().find(|(name, _)| *name == format!("C{row}")).unwrap().1.parse::<usize>().unwrap()
    };
    assert_eq!(value("all"), rows().len());
    let states: usize =
        State::ALL.map(State::as_str).iter().filter(|s| cells.iter().any(|(_, t)| t == *s)).map(|s| value(s)).sum();
    assert_eq!(states, rows().len());
    assert!(cells.iter().any(|(_, text)| text == "Asia/Hong_Kong"));
}

#[test]
fn the_summary_says_what_became_of_the_accepted_messages() {
    let workbook = written(&rows(), &[]);
    let cells = cells(&workbook, "xl/worksheets/sheet2.xml");
    let rows_of = |name: &str| -> u64 {
        let last = cells.iter().rfind(|(_, text)| text == name).unwrap();
        let cell = last.0.replace('A', "C");
        cells.iter().find(|(other, _)| *other == cell).unwrap().1.parse().unwrap()
    };
    assert_eq!(rows_of("accepted"), rows_of("delivered") + rows_of("failed") + rows_of("unreported"));
    assert_eq!(rows_of("unreported"), 2);
    let waited = "neither a delivery nor a failure was reported within 2 h";
    assert!(cells.iter().any(|(_, text)| text == waited), "{cells:?}");
}
