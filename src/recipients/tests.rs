//! Real-world files and their records.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::csv::record_buffer;
use super::*;
use crate::model::{Inline, Reading, Recipients, Source};
use crate::text::{hex, is_blank};

mod columns;
mod row_forms;

/// A file with these bytes, and recipients that use it.
struct Case {
    recipients: Recipients,
    _dir: tempfile::TempDir,
}

fn case(bytes: impl AsRef<[u8]>) -> Case {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.csv");
    std::fs::write(&path, bytes).unwrap();
    Case { recipients: recipients(Source::Csv(path)), _dir: dir }
}

fn recipients(source: Source) -> Recipients {
    Recipients::new(source, "phone")
}

/// Row, line, cells and the code of the record's problem.
type Row = (u64, u64, Vec<String>, Option<String>);

fn rows(recipients: &Recipients) -> Vec<Row> {
    let mut reader = open(recipients).unwrap();
    let mut record = Record::default();
    let mut rows = Vec::new();
    while reader.read(&mut record).unwrap() {
        assert_eq!(record.cells.len(), reader.columns().len());
        assert_eq!(record.raw_to, record.cells[reader.decoder().columns.to]);
        rows.push((
            record.row.0,
            record.line,
            record.cells.clone(),
            record.problem.as_ref().map(|p| p.code().to_owned()),
        ));
    }
    assert!(!reader.read(&mut record).unwrap(), "the end stays the end");
    assert_eq!(reader.digest(), Some(&*digest(recipients).unwrap()));
    rows
}

fn row(row: u64, line: u64, cells: &[&str]) -> Row {
    (row, line, cells.iter().map(ToString::to_string).collect(), None)
}

fn bad(row: u64, line: u64, cells: &[&str], code: &str) -> Row {
    (row, line, cells.iter().map(ToString::to_string).collect(), Some(code.to_owned()))
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    open(&case(bytes).recipients).err().unwrap().to_string()
}

fn to_person(bytes: impl AsRef<[u8]>) -> String {
    open(&case(bytes).recipients).err().unwrap().to_person()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    file.write_all(text).unwrap();
    file.finish().unwrap()
}

#[test]
fn every_way_of_writing_a_table_is_read() {
    let plain = "phone,name\n85268411234,\"Ana, \"\"A\"\"\"\n85291234567,Bo\n";
    let expected = vec![row(1, 2, &["85268411234", "Ana, \"A\""]), row(2, 3, &["85291234567", "Bo"])];
    let semicolon = "phone;name\n85268411234;\"Ana, \"\"A\"\"\"\n85291234567;Bo\n";
    let half = gzip("phone,name\n85268411234,\"Ana,".as_bytes());
    let other_half = gzip(" \"\"A\"\"\"\n85291234567,Bo\n".as_bytes());
    for bytes in [
        plain.as_bytes().to_vec(),
        plain.trim_end().as_bytes().to_vec(),
        format!("\u{feff}{plain}").into_bytes(),
        plain.replace('\n', "\r\n").into_bytes(),
        semicolon.as_bytes().to_vec(),
        semicolon.replace(';', "\t").into_bytes(),
        semicolon.replace(';', "|").into_bytes(),
        plain.replace("phone,name", " phone , name").into_bytes(),
        plain.replace("phone,name", "phone,name,,").into_bytes(),
        gzip(plain.as_bytes()),
        [half, other_half].concat(),
    ] {
        assert_eq!(rows(&case(&bytes).recipients), expected, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn rows_are_not_lines() {
    let case = case("\n\nphone,name\r\n\r\n1,\"two\r\nlines\"\n\n\n3,x\n\n4,y\n");
    let expected = [row(1, 5, &["1", "two\r\nlines"]), row(2, 9, &["3", "x"]), row(3, 11, &["4", "y"])];
    assert_eq!(rows(&case.recipients), expected);
}

#[test]
fn a_first_line_that_sets_the_delimiter_is_not_the_header() {
    // The name has more commas than the header has semicolons.
    let table = "phone;a,b,c\n1;\"two\nlines\"\n2;\"Bo\n3;x\n";
    let expected = [row(1, 3, &["1", "two\nlines"]), bad(2, 5, &["", ""], "bad_quotes"), row(3, 6, &["3", "x"])];
    for start in ["sep=;\n", "\u{feff}sep=;\r\n", "\"sep=;\"\n", "\u{feff}\"SEP=;\"\r\n"] {
        assert_eq!(rows(&case(format!("{start}{table}")).recipients), expected, "{start:?}");
        assert_eq!(rows(&case(gzip(format!("{start}{table}").as_bytes())).recipients), expected, "{start:?}");
    }
    assert_eq!(rows(&case("sep=^\nphone^name\n1^x|y\n").recipients), [row(1, 3, &["1", "x|y"])]);
    assert_eq!(rows(&case("sep=;\n\nphone;name\n\n1;x\n").recipients), [row(1, 5, &["1", "x"])]);
    assert_eq!(rows(&case("sep=;\nphone\n").recipients), []);
    assert!(error("sep=;\n").contains("is empty"));
}

#[test]
fn rows_of_empty_cells_above_the_header_are_skipped() {
    for (start, lines) in [(",\n", 1), ("\u{feff};;;\r\n\r\n \t\n", 3), ("\"\",\"\"\n", 1), ("sep=^\n^\n", 2)] {
        let table = "phone,name\n1,Ana\n2,\"Bo\n3,Cy\n".replace(',', if start.starts_with("sep") { "^" } else { "," });
        let expected = [
            row(1, lines + 2, &["1", "Ana"]),
            bad(2, lines + 3, &["", ""], "bad_quotes"),
            row(3, lines + 4, &["3", "Cy"]),
        ];
        assert_eq!(rows(&case(format!("{start}{table}")).recipients), expected, "{start:?}");
    }
    // More than is read at once.
    let case = case(format!("{}phone,name\n1,Ana\n", ",,\r\n".repeat(1 << 19)));
    assert_eq!(rows(&case.recipients), [row(1, (1 << 19) + 2, &["1", "Ana"])]);
    assert!(error(",,\n,\n").contains("is empty"));
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for bytes in ["phone,name", "phone,name\n", "phone,name\r\n\r\n"] {
        assert_eq!(rows(&case(bytes).recipients), []);
    }
}

#[test]
fn a_file_without_proper_columns_is_refused() {
    for bytes in ["", "\n\r\n", ",,\n,,\n", "\u{feff}"] {
        assert!(error(bytes).contains("is empty"), "{bytes:?}: {}", error(bytes));
    }
    let words = error("phone,name, phone\u{a0}\n");
    assert!(words.starts_with("columns 1 and 3 of") && words.contains("have the same name `phone`"), "{words}");
    assert!(
        error("Phone,name\n").contains("has no column `phone` for the numbers; choose a column from the first line")
    );
    assert!(to_person("Phone,name\n").ends_with("; did you mean `Phone`?"));
    assert!(to_person("tel,name\n").ends_with("; the columns are `tel`, `name`"));
    assert!(error(b"phone,n\xe4me\n1,\xc3\xab\n2,\xc3\xab\n").contains("cannot be decoded"));
    assert!(error("phone,\"name\n1,2\n").contains("quote"));
    assert!(error(format!("phone,\"{}", "x\n".repeat(1 << 20))).contains("quote"));
    let wide = (0..30).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    assert!(to_person(wide).contains("`c19`, and 10 more"));
}

#[test]
fn a_first_line_that_is_a_person_is_not_estimated() {
    for bytes in ["85268411234,Ana Maria\n", "Ana Maria,+852 6841 1234\n", "85268411234,Ana Maria,Ana Maria\n"] {
        for words in [error(bytes), to_person(bytes)] {
            assert!(words.contains("the first line looks like a recipient"), "{words}");
            assert!(!words.contains("Ana") && !words.contains("6841"), "{words}");
        }
    }
    // It may be a person even without a number.
    for bytes in ["Ana Maria,Lopez\n", "Ana Maria,Ana Maria\n"] {
        assert!(!error(bytes).contains("Ana") && to_person(bytes).contains("`Ana Maria"), "{}", error(bytes));
    }
}

#[test]
fn what_nobody_sees_around_a_name_does_not_count() {
    for header in ["phone\u{a0},First\u{a0}Name", "\u{200b} phone\u{200e} ,x", "\u{feff}\u{feff}phone,x"] {
        let reader = open(&case(format!("{header}\n85268411234,Ana\n")).recipients).unwrap();
        assert_eq!(reader.columns()[0], "phone");
    }
}

#[test]
fn a_text_that_a_spreadsheet_keeps_by_a_formula_is_that_text() {
    let quoted = "\"=\"\"phone\"\"\",\"=\"\"name\"\"\"\n\"=\"\"0123\"\"\",\"=\"\"a, \"\"\"\"b\"\"\"\"\"\"\"\n";
    for list in ["=\"phone\",name\n=\"0123\",=\"a\"&B1\n=\"\u{200b}\",y\n1,x\n", quoted] {
        let read = rows(&case(list).recipients);
        assert_eq!(read[0].2[0], "0123");
        assert_eq!(read[0].2[1], if list == quoted { "a, \"b\"" } else { "=\"a\"&B1" });
        assert!(list == quoted || read[1].2 == ["", "y"], "{read:?}");
    }
    // The apostrophe of a text in a spreadsheet.
    let mut reader = open(&case("phone,name\n=\"85268411234\",a\n'85268411234,'a\n").recipients).unwrap();
    let mut record = Record::default();
    while reader.read(&mut record).unwrap() {
        assert_eq!(record.to.as_ref().unwrap().digits(), "85268411234");
    }
    assert_eq!(record.cells, ["'85268411234", "'a"]);
}

#[test]
fn marks_around_a_cell_go_and_a_cell_that_nobody_sees_is_empty() {
    let cells = "\u{feff}85268411234\u{200b},\u{200e}Ana \u{200f}\n85268411235,\u{3164}\n85268411236,❤\u{fe0f}\n85268411237,\u{a0}\n";
    let read = rows(&case(format!("phone,name\n{cells}")).recipients);
    let names: Vec<&str> = read.iter().map(|row| row.2[1].as_str()).collect();
    assert_eq!(names, ["Ana", "", "❤\u{fe0f}", ""]);
    assert_eq!(read[0].2[0], "85268411234");
}

#[test]
fn what_is_no_text_is_refused() {
    assert!(error(b"PK\x03\x04rest").contains("is a spreadsheet, not a CSV file; write `xlsx:`"));
    assert!(error(b"%PDF-1.7").contains("a PDF; export it as CSV (UTF-8)"));
    for page in ["<html>", "\u{feff}\r\n <!DOCTYPE html>", "<Table border=1><tr><td>phone"] {
        assert!(error(page).contains("is a web page (HTML), not a CSV file; open it in"), "{page}");
    }
    assert!(error(b"phone\0name\n1,2\n").contains("is not plain text"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("missing.csv"), dir.path().to_owned()] {
        let error = open(&recipients(Source::Csv(path.clone()))).err().unwrap();
        assert!(matches!(&error, OpenError::Open { .. }) && error.to_string().contains(&*path.to_string_lossy()));
        assert!(digest(&recipients(Source::Csv(path))).is_err());
    }
    let mut broken = gzip("phone\n1\n".repeat(50_000).as_bytes());
    broken.truncate(broken.len() - 20);
    let case = case(&broken);
    let error = open(&case.recipients).err().unwrap();
    assert!(matches!(error, OpenError::Read(ReadError::Gzip { .. })), "{error}");
}

#[test]
fn a_row_with_other_cells_than_columns_is_reported_and_the_others_are_read() {
    let case = case("phone,name,city\n1,Ana\n2,Bo,HK\n3,Cy,HK,,\n4,Di,HK,x\n5\n6,Ed,HK\n");
    let expected = [
        row(1, 2, &["1", "Ana", ""]),
        row(2, 3, &["2", "Bo", "HK"]),
        bad(3, 4, &["3", "Cy", "HK"], "ragged_row"),
        bad(4, 5, &["4", "Di", "HK"], "ragged_row"),
        row(5, 6, &["5", "", ""]),
        row(6, 7, &["6", "Ed", "HK"]),
    ];
    assert_eq!(rows(&case.recipients), expected);
    let mut reader = open(&case.recipients).unwrap();
    let mut record = Record::default();
    while reader.read(&mut record).unwrap() && record.row.0 < 4 {}
    assert!(record.problem.as_ref().unwrap().message().contains("4 cells, but the header has 3"));
}

#[test]
fn bad_utf_8_names_its_column() {
    let case = case(b"phone,name\n85268411234,Jos\xe9\n85291234567,Zo\xc3\xab\n85291234568,Zo\xc3\xab\n");
    let mut reader = open(&case.recipients).unwrap();
    let mut record = Record::default();
    assert!(reader.read(&mut record).unwrap());
    let problem = record.problem.clone().unwrap();
    assert_eq!(problem.code(), "bad_utf8");
    assert_eq!(problem.columns, ["name"]);
    assert_eq!(record.cells[1], "Jos\u{fffd}");
    assert_eq!(record.to.as_ref().unwrap().digits(), "85268411234");
    assert!(reader.read(&mut record).unwrap());
    assert_eq!(record.problem, None);
}

#[test]
fn a_character_does_not_continue_in_the_next_cell() {
    let mut case = case(b"phone,name,city\n85268411234,Zo\xc3,\xabx\n85291234567,Zo\xc3\xab,Ulm\n");
    case.recipients.reading.encoding = Some(encoding_rs::UTF_8);
    let expected = [
        bad(1, 2, &["85268411234", "Zo\u{fffd}", "\u{fffd}x"], "bad_utf8"),
        row(2, 3, &["85291234567", "Zo\u{eb}", "Ulm"]),
    ];
    assert_eq!(rows(&case.recipients), expected);
}

#[test]
fn an_open_quote_costs_its_own_line_only() {
    // Closed by accident two rows later, closed by the end of the file, and text after a quote.
    for (name, line) in [("\"Bo", 3), ("\"O\"Brien", 3)] {
        let text = format!("phone,name\n1,Ana\n2,{name}\n3,Cy\n4,\"Di\"\n5,Ed\n");
        let expected = [
            row(1, 2, &["1", "Ana"]),
            bad(2, line, &["", ""], "bad_quotes"),
            row(3, 4, &["3", "Cy"]),
            row(4, 5, &["4", "Di"]),
            row(5, 6, &["5", "Ed"]),
        ];
        assert_eq!(rows(&case(&text).recipients), expected);
        assert_eq!(rows(&case(text.replace('\n', "\r\n")).recipients), expected);
        assert_eq!(rows(&case(gzip(text.as_bytes())).recipients), expected);
        let without = text.replace("\"Di\"", "Di");
        assert_eq!(rows(&case(without).recipients), expected);
    }
    // The record starts a line before the quote that breaks it.
    let case = case("phone,name,city\n1,\"two\nlines\",\"HK\n2,Bo,HK\n");
    let expected = [bad(1, 2, &["", "", ""], "bad_quotes"), row(2, 4, &["2", "Bo", "HK"])];
    assert_eq!(rows(&case.recipients), expected);
    let mut reader = open(&case.recipients).unwrap();
    let mut record = Record::default();
    reader.read(&mut record).unwrap();
    assert!(record.problem.clone().unwrap().message().contains("opened on line 3"));
    assert_eq!(record.to.as_ref().unwrap_err().code(), "bad_quotes");
}

#[test]
fn an_open_quote_before_megabytes_costs_its_own_line_only() {
    let rest: String = (2..100_000).map(|n| format!("{n},name {n}\n")).collect();
    let case = case(format!("phone,name\n1,\"Ana\n{rest}"));
    let all = rows(&case.recipients);
    assert_eq!(all.len(), 99_999);
    assert_eq!(all[0], bad(1, 2, &["", ""], "bad_quotes"));
    assert_eq!(all[1], row(2, 3, &["2", "name 2"]));
    assert_eq!(all.last(), Some(&row(99_999, 100_000, &["99999", "name 99999"])));
}

#[test]
fn a_row_of_megabytes_is_skipped() {
    let long = "x".repeat(3 << 20);
    for (cell, code) in [(long.clone(), "long_record"), (format!("\"{long}"), "bad_quotes")] {
        let case = case(format!("phone,name\n1,{cell}\n2,Bo\n"));
        assert_eq!(rows(&case.recipients), [bad(1, 2, &["", ""], code), row(2, 3, &["2", "Bo"])]);
    }
    let case = case(format!("phone,name\n1,Ana\n{}2,Bo\n", "\n".repeat(3 << 20)));
    assert_eq!(rows(&case.recipients), [row(1, 2, &["1", "Ana"]), row(2, 3 + (3 << 20), &["2", "Bo"])]);
}

#[test]
fn a_record_of_the_longest_length_passes_and_one_byte_more_does_not() {
    let longest = record_buffer::LONGEST_RECORD - "1,\n".len();
    for (length, problem) in [(longest, None), (longest + 1, Some("long_record"))] {
        let all = rows(&case(format!("phone,name\n1,{}\n2,Bo\n", "x".repeat(length))).recipients);
        assert_eq!(all[0].3.as_deref(), problem);
        assert_eq!(all[1], row(2, 3, &["2", "Bo"]));
    }
}

#[test]
fn progress_and_fingerprint_are_of_the_file_on_disk() {
    let text = "phone\n85268411234\n".repeat(10_000);
    let packed = gzip(text.as_bytes());
    let case = case(&packed);
    let mut reader = open(&case.recipients).unwrap();
    assert_eq!(reader.total_bytes(), Some(packed.len() as u64));
    assert_eq!(reader.digest(), None);
    let mut record = Record::default();
    while reader.read(&mut record).unwrap() {}
    assert_eq!(reader.bytes_read(), packed.len() as u64);
    assert_eq!(reader.digest().unwrap(), hex(&Sha256::digest(&packed)));
    let mut reader = open(&case.recipients).unwrap().without_digest();
    while reader.read(&mut record).unwrap() {}
    assert_eq!((reader.bytes_read(), reader.digest()), (packed.len() as u64, None));
}

#[test]
fn rows_of_the_campaign_file_take_the_same_way() {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let table = Inline {
        columns: texts(&["phone", "name"]),
        rows: vec![texts(&["85268411234", "Ana"]), texts(&["", "Bo"])],
        lines: vec![7, 9],
    };
    let source = |table: &Inline| recipients(Source::Inline(table.clone()));
    assert_eq!(rows(&source(&table)), [row(1, 7, &["85268411234", "Ana"]), row(2, 9, &["", "Bo"])]);
    let mut reader = open(&source(&table)).unwrap();
    let mut record = Record::default();
    reader.read(&mut record).unwrap();
    assert_eq!(record.to.as_ref().unwrap().digits(), "85268411234");
    reader.read(&mut record).unwrap();
    assert_eq!(record.to.as_ref().unwrap_err().code(), "no_number");
    assert_eq!((reader.bytes_read(), reader.total_bytes()), (0, None));

    let moved = Inline { lines: vec![70, 90], ..table.clone() };
    assert_eq!(digest(&source(&moved)).unwrap(), digest(&source(&table)).unwrap());
    let shifted = Inline { rows: vec![texts(&["8526841123", "4Ana"]), texts(&["", "Bo"])], ..table.clone() };
    assert_ne!(digest(&source(&shifted)).unwrap(), digest(&source(&table)).unwrap());
    let no_column = Inline { columns: texts(&["fone", "name"]), ..table };
    let error = open(&source(&no_column)).err().unwrap().to_string();
    assert!(error.contains("`recipients.rows` has no column `phone`"), "{error}");
}

#[test]
fn an_unknown_region_is_refused() {
    let case = case("phone\n1\n");
    let error = open(&Recipients { region: Some("UK".to_owned()), ..case.recipients }).err().unwrap();
    assert!(matches!(error, OpenError::Region(_)));
}

/// Any cell: quotes, delimiters, line breaks and letters of every script.
fn cell() -> impl Strategy<Value = String> {
    proptest::string::string_regex("([a-z0-9]|[\",;\t\r\n \\\\']|\\PC){0,12}")
        .unwrap()
        .prop_filter("one that nobody sees is empty", |cell| !is_blank(cell) || cell.trim().is_empty())
        .prop_filter("the formula of a text is that text", |cell| crate::text::formula_text(cell).is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cells_in_are_cells_out(
        table in (1_usize..5).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cell(), width), 0..20)),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        crlf in any::<bool>(),
    ) {
        let width = table.first().map_or(1, Vec::len);
        let mut header = vec!["phone".to_owned()];
        header.extend((1..=width).map(|n| format!("c{n}")));
        let mut file = ::csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        file.write_record(&header).unwrap();
        let table: Vec<Vec<String>> =
            table.into_iter().map(|cells| std::iter::once("1".to_owned()).chain(cells).collect()).collect();
        for cells in &table {
            file.write_record(cells).unwrap();
        }
        let mut case = case(file.into_inner().unwrap());
        case.recipients.reading.trim = false;
        let read = rows(&case.recipients);
        prop_assert!(read.iter().all(|row| row.3.is_none()));
        prop_assert_eq!(read.into_iter().map(|row| row.2).collect::<Vec<_>>(), table);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(
        bytes in prop::collection::vec(prop::sample::select(b"\",;\t\r\n ax\xff\0".to_vec()), 0..200),
    ) {
        let mut case = case([b"phone,name\n".as_slice(), &bytes].concat());
        case.recipients.reading.encoding = Some(encoding_rs::UTF_8);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 2;
        let read = rows(&case.recipients);
        prop_assert!(read.iter().all(|row| row.1 >= 2 && row.1 <= lines));
        prop_assert!(read.is_sorted_by_key(|row| row.1));
    }
}

#[test]
fn cells_are_trimmed_and_flattened_as_the_campaign_says() {
    let text = "phone,name\n 85268411234 ,\"\u{a0} Ana \u{3000}\n  Maria\t\u{200b} \"\n";
    let case = case(text);
    let name = |trim, flatten| {
        let reading = Reading { trim, flatten, ..Reading::default() };
        rows(&Recipients { reading, ..case.recipients.clone() })[0].2[1].clone()
    };
    assert_eq!(name(true, false), "Ana \u{3000}\n  Maria");
    assert_eq!(name(true, true), "Ana Maria");
    assert_eq!(name(false, false), "\u{a0} Ana \u{3000}\n  Maria\t\u{200b} ");
    assert_eq!(name(false, true), " Ana Maria \u{200b} ");
}

#[test]
fn a_reader_may_be_used_from_another_thread() {
    let case = case("phone\n85268411234\n");
    let mut reader = open(&case.recipients).unwrap();
    let read = std::thread::spawn(move || reader.read(&mut Record::default()).unwrap());
    assert!(read.join().unwrap());
}
