//! Columns in which some cells are dates.

use super::build::{Xlsx, ods};
use super::{HEADER, Read, read};

const DATE: &str = r#"<c s="1"><v>46357</v></c>"#;

/// Reads a list with these cells in the column `value`, and returns the notes.
fn notes(cells: &[&str]) -> Read {
    let rows: String = cells.iter().map(|cell| format!(r#"<row><c><v>85268411234</v></c>{cell}</row>"#)).collect();
    let formats = vec!["yyyy-mm-dd", "d/m/yy", "hh:mm"];
    read(&Xlsx { formats, ..Xlsx::of(&format!("{HEADER}{rows}")) }.bytes())
}

#[test]
fn a_column_of_dates_and_other_cells_is_noted_with_samples() {
    let typed = r#"<c t="inlineStr"><is><t>1 Dec</t></is></c>"#;
    for (cells, rows, words) in [
        (
            &[typed, DATE, "<c/>", DATE, ""][..],
            1,
            "column `value`: 2 cells are dates, such as `2026-12-01` in row 3; 1 is displayed in another way, `1 Dec` in \
             row 2; give all cells of the column the same format",
        ),
        (
            &[DATE, r#"<c s="2"><v>46357</v></c>"#, "<c><v>46357</v></c>"],
            2,
            "column `value`: 1 cell is a date, `2026-12-01` in row 2; 2 are displayed in another way, such as `1/12/26` in \
             row 3; give all cells of the column the same format",
        ),
        (
            &[r#"<c s="3"><v>0.5</v></c>"#, r#"<c t="d"><v>2026-12-01T00:00:00</v></c>"#],
            1,
            "column `value`: 1 cell is a date, `12:00` in row 2; 1 is displayed in another way, `2026-12-01` in row 3; give \
             all cells of the column the same format",
        ),
    ] {
        let read = notes(cells);
        assert_eq!(read.codes(), [("mixed_dates", rows)]);
        assert_eq!(read.notes[0].message, words);
    }
}

#[test]
fn a_column_whose_cells_are_alike_is_not_noted() {
    for cells in [&[DATE, DATE, "<c/>"][..], &["<c><v>46357</v></c>", "<c><v>1</v></c>"], &["<c/>", DATE], &["<c/>"]] {
        assert_eq!(notes(cells).notes, [], "{cells:?}");
    }
}

#[test]
fn dates_of_an_ods_file_are_noted_too() {
    let cell = |attributes: &str, text: &str| {
        format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>")
    };
    let row = |value: &str| format!("<table:table-row>{}{value}</table:table-row>", cell("", "85268411234"));
    let date = cell(r#"office:value-type="date" office:date-value="2026-12-01""#, "01.12.26");
    let head = format!("<table:table-row>{}{}</table:table-row>", cell("", "phone"), cell("", "value"));
    let body = |values: &[&str]| {
        let rows: String = values.iter().map(|value| row(value)).collect();
        ods(&format!(r#"<table:table table:name="List">{head}{rows}</table:table>"#))
    };
    assert_eq!(read(&body(&[&date, &date])).codes(), []);
    assert_eq!(read(&body(&[&date, &cell("", "soon"), &date])).codes(), [("mixed_dates", 1)]);
}
