//! What is read from spreadsheets, and what is said about those that are not read.

mod build;
mod hostile;
mod mixed_dates;

use std::fs;
use std::path::{Path, PathBuf};

use build::{Xlsx, archive, compound, ods, record, row};

use crate::model::{Recipients, Source};
use crate::recipients::{ListNote, Record, digest, open};

/// A list that was read.
#[derive(Debug)]
struct Read {
    columns: Vec<String>,
    /// The line, the cells, and the code of the row's problem.
    rows: Vec<(u64, Vec<String>, Option<&'static str>)>,
    notes: Vec<ListNote>,
}

impl Read {
    fn cells(&self) -> Vec<&[String]> {
        self.rows.iter().map(|(_, cells, _)| &cells[..]).collect()
    }

    fn codes(&self) -> Vec<(&'static str, u64)> {
        self.notes.iter().map(|note| (note.code, note.rows)).collect()
    }
}

fn read_file(path: &Path, sheet: Option<&str>) -> Result<Read, String> {
    let source = Source::Sheet { path: path.to_owned(), name: sheet.map(str::to_owned) };
    let recipients = Recipients::new(source, "phone");
    let mut reader = open(&recipients).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    let mut record = Record::default();
    while reader.read(&mut record).unwrap() {
        rows.push((record.line, record.cells.clone(), record.problem.as_ref().map(|problem| problem.code())));
    }
    assert_eq!(reader.digest().unwrap(), digest(&recipients).unwrap());
    assert_eq!(Some(reader.bytes_read()), reader.total_bytes());
    Ok(Read { columns: reader.columns().to_vec(), rows, notes: reader.notes() })
}

fn try_read(bytes: &[u8], sheet: Option<&str>) -> Result<Read, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.xlsx");
    fs::write(&path, bytes).unwrap();
    let folder = format!("{}/", folder.path().display());
    read_file(&path, sheet).map_err(|error| error.replace(&folder, ""))
}

fn read(bytes: &[u8]) -> Read {
    try_read(bytes, None).unwrap()
}

fn error(bytes: &[u8]) -> String {
    try_read(bytes, None).unwrap_err()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recipients/spreadsheet/fixtures").join(name)
}

const HEADER: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c><c r="B1" t="inlineStr"><is><t>value</t></is></c></row>"#;

/// Reads a cell of the column `value`.
fn value(cell: &str, formats: &[&'static str]) -> Read {
    let rows = format!(r#"{HEADER}<row r="2"><c r="A2"><v>85268411234</v></c>{cell}</row>"#);
    read(&Xlsx { formats: formats.to_vec(), ..Xlsx::of(&rows) }.bytes())
}

#[test]
fn the_same_list_is_the_same_in_every_kind_of_file() {
    let header = ["phone", "first_name", "code", "discount", "day", "time", "paid", "price", "national"];
    let first =
        ["85268411234", "Ana", "007", "25%", "01.12.2026", "2026-12-01 14:05", "TRUE", "1,234.50", "00151234567"];
    let second =
        ["+852 6841 1235", "Zoë 李", "0042", "50%", "02.12.2026", "2026-12-02 09:00", "FALSE", "12.00", "01701234567"];
    for name in ["openpyxl.xlsx", "xlwt.xls", "odfpy.ods"] {
        let read = read_file(&fixture(name), None).unwrap();
        assert_eq!(read.columns, header, "{name}");
        assert_eq!(read.cells()[..2], [first.map(str::to_owned), second.map(str::to_owned)], "{name}");
        assert_eq!(read.rows[1].0, 3, "{name}");
    }
}

#[test]
fn an_xls_file_has_long_texts_hidden_rows_merged_cells_and_hidden_sheets() {
    let read = read_file(&fixture("xlwt.xls"), None).unwrap();
    assert_eq!(read.codes(), [("hidden_sheet", 0), ("hidden_rows", 1), ("merged_cells", 0)]);
    assert_eq!(read.notes[0].message, "the hidden sheet `Notes` is not read");
    assert!(read.notes[2].message.contains("`B11:C12`"), "{:?}", read.notes[2]);
    let names: Vec<String> =
        (3..10).map(|row| format!("n{row} {}", "Łódź ".repeat(150)).trim_end().to_owned()).collect();
    assert_eq!(read.rows[2..9].iter().map(|(_, cells, _)| cells[1].clone()).collect::<Vec<_>>(), names);
    assert_eq!(read.rows[2].1[2], format!("{}3", "c".repeat(700)));
    assert_eq!(read.rows[9].1[1], "merged");
    assert_eq!(
        try_read(&fs::read(fixture("xlwt.xls")).unwrap(), Some("Notes")).unwrap_err(),
        "the sheet `Notes` of list.xlsx has no column `phone` for the numbers; choose a column from the first line of the file: set `recipients.to` in the campaign, or pass `--column` to `suppress import`"
    );
}

#[test]
fn numbers_of_phones_keep_their_digits() {
    for (cell, text) in [
        ("<c><v>85268411234</v></c>", "85268411234"),
        ("<c><v>8.5268411234E10</v></c>", "85268411234"),
        ("<c><v>85268411234.0</v></c>", "85268411234"),
        ("<c><v>491701234567890</v></c>", "491701234567890"),
        (r#"<c t="inlineStr"><is><t>0085268411234</t></is></c>"#, "0085268411234"),
        (r#"<c s="1"><v>151234567</v></c>"#, "00151234567"),
        (r#"<c s="2"><v>85268411234</v></c>"#, "+85268411234"),
    ] {
        let rows = format!("{HEADER}<row>{cell}</row>");
        let read = read(&Xlsx { formats: vec!["00000000000", "\"+\"0"], ..Xlsx::of(&rows) }.bytes());
        assert_eq!((&*read.rows[0].1[0], read.notes.len()), (text, 0), "{cell}");
    }
}

#[test]
fn a_number_that_a_spreadsheet_rounded_is_not_used() {
    let rows = format!("{HEADER}<row><c><v>8526841123412345</v></c></row>");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    fs::write(&path, Xlsx::of(&rows).bytes()).unwrap();
    let mut reader = open(&Recipients::new(Source::Sheet { path, name: None }, "phone")).unwrap();
    let mut record = Record::default();
    assert!(reader.read(&mut record).unwrap());
    assert_eq!(record.to.unwrap_err().code(), "spreadsheet_number");
}

#[test]
fn a_phone_whose_format_hides_digits_is_not_said_to_have_lost_them() {
    let row = r#"<c s="1"><v>1200000</v></c>"#;
    let rows = format!(
        r#"{HEADER}<row><c s="1"><v>4917512345678</v></c>{row}</row><row><c s="2"><v>4917512345678</v></c>{row}</row>
        <row><c t="inlineStr"><is><t>4.92E+12</t></is></c>{row}</row><row><c s="1"><v>4.917E15</v></c>{row}</row>"#
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    fs::write(&path, Xlsx { formats: vec!["0.00E+00", "0"], ..Xlsx::of(&rows) }.bytes()).unwrap();
    let mut reader = open(&Recipients::new(Source::Sheet { path, name: None }, "phone")).unwrap();
    let mut record = Record::default();
    let said = [
        "column `phone`: the cell's format hides digits of the number; set the format of the column to `0` in",
        "",
        "column `phone`: a spreadsheet rounded the number, and its last digits are lost",
        "column `phone`: a spreadsheet rounded the number, and its last digits are lost",
    ];
    for expected in said {
        assert!(reader.read(&mut record).unwrap());
        let problem = record.problem.as_ref().or(record.to.as_ref().err()).map(ToString::to_string);
        let problem = problem.unwrap_or_default();
        assert!(problem.starts_with(expected) && problem.is_empty() == expected.is_empty(), "{expected}: {problem}");
        assert_eq!(record.cells[1], "1.20E+06");
    }
}

#[test]
fn a_phone_whose_format_is_unknown_is_never_guessed() {
    let rows = format!(
        r##"{HEADER}<row><c s="1"><v>151234567</v></c><c s="1"><v>0.5</v></c></row>
        <row><c><v>85268411234</v></c><c s="1"><v>0.75</v></c></row>"##
    );
    let read = read(&Xlsx { formats: vec!["# ?/?"], ..Xlsx::of(&rows) }.bytes());
    assert_eq!(read.rows[0], (2, vec!["151234567".to_owned(), "0.5".to_owned()], Some("number_format")));
    assert_eq!(read.rows[1], (3, vec!["85268411234".to_owned(), "0.75".to_owned()], None));
    assert_eq!(read.codes(), [("number_format", 1), ("number_format", 2)]);
    assert_eq!(
        read.notes[1].message,
        "column `value`: the number format `# ?/?` is not supported, so numbers are read without it, for example `0.5`; format \
         the column as text"
    );
}

#[test]
fn cells_are_read_as_they_look() {
    for (cell, formats, text) in [
        (r#"<c s="1"><v>0.25</v></c>"#, &["0%"][..], "25%"),
        (r#"<c s="1"><v>46357</v></c>"#, &["m/d/yy"], "12/1/26"),
        (r#"<c t="b"><v>1</v></c>"#, &[], "TRUE"),
        (r#"<c t="b"><v>0</v></c>"#, &[], "FALSE"),
        (r#"<c t="e"><v>#N/A</v></c>"#, &[], "#N/A"),
        (r#"<c t="e"><v>#SPILL!</v></c>"#, &[], "#SPILL!"),
        (r#"<c t="d"><v>2026-12-01T00:00:00</v></c>"#, &[], "2026-12-01"),
        (r#"<c t="d"><v>2026-12-01T14:05:00</v></c>"#, &[], "2026-12-01 14:05:00"),
        (r#"<c t="str"><f>A2&amp;"x"</f><v>a &amp; b</v></c>"#, &[], "a & b"),
        (r#"<c t="str"><f>""</f><v></v></c>"#, &[], ""),
        ("<c><f>1+1</f><v>2</v></c>", &[], "2"),
        (
            r#"<c t="inlineStr"><is><r><t>An</t></r><r><t xml:space="preserve">a </t></r><rPh><t>x</t></rPh><t>&#233;</t></is></c>"#,
            &[],
            "Ana é",
        ),
        (r#"<c t="inlineStr"><is><t>a_x000D_b_x005F_x000A_</t></is></c>"#, &[], "a\rb_x000A_"),
        ("<c/>", &[], ""),
        ("", &[], ""),
    ] {
        let read = value(cell, formats);
        assert_eq!((&*read.rows[0].1[1], read.notes.len()), (text, 0), "{cell}");
    }
}

#[test]
fn dates_follow_the_workbooks_calendar() {
    let rows = format!(r#"{HEADER}<row><c><v>85268411234</v></c><c s="1"><v>44895</v></c></row>"#);
    let xlsx = Xlsx { formats: vec!["yyyy-mm-dd"], workbook: r#"<workbookPr date1904="1"/>"#, ..Xlsx::of(&rows) };
    assert_eq!(read(&xlsx.bytes()).rows[0].1[1], "2026-12-01");
}

#[test]
fn texts_that_cells_share_are_found_by_their_number() {
    let rows = r#"<row><c t="s"><v>1</v></c><c t="s"><v>3</v></c></row><row><c><v>85268411234</v></c><c t="s"><v>2</v></c></row>
        <row><c><v>85268411235</v></c><c t="s"><v>0</v></c></row>"#;
    let texts = &["<t>Ana</t>", "<t>phone</t>", "", "<r><t>first</t></r><r><t>_name</t></r><rPh><t>x</t></rPh>"];
    let read = read(&Xlsx { texts, ..Xlsx::of(rows) }.bytes());
    assert_eq!(read.columns, ["phone", "first_name"]);
    assert_eq!([&*read.rows[0].1[1], &*read.rows[1].1[1]], ["", "Ana"]);
}

#[test]
fn a_formula_without_a_value_is_refused_with_its_cell() {
    for cell in ["<c><f>1+1</f></c>", "<c><f>1+1</f><v></v></c>", "<c><f>1+1</f><v/></c>", r#"<c t="e"><f>1</f></c>"#] {
        let rows = format!("{HEADER}<row><c><v>85268411234</v></c>{cell}</row>");
        assert_eq!(
            error(&Xlsx::of(&rows).bytes()),
            "list.xlsx has a formula without a value in cell B2; open it in a spreadsheet program, which calculates the \
             values, and save it"
        );
    }
    let text = format!(r#"{HEADER}<row><c><v>85268411234</v></c><c t="str"><f>A1</f></c></row>"#);
    assert!(error(&Xlsx::of(&text).bytes()).contains("formula without a value in cell B2"));
    // Libraries write a placeholder, and this.
    let placeholder = format!("{HEADER}<row><c><v>85268411234</v></c><c><f>1+1</f><v>0</v></c></row>");
    let workbook = r#"<calcPr fullCalcOnLoad="1"/>"#;
    let placeholder = Xlsx { workbook, ..Xlsx::of(&placeholder) }.bytes();
    assert!(error(&placeholder).contains("formula without a value in cell B2"));
    let beside = format!("{HEADER}<row><c><v>85268411234</v></c><c/><c><f>1+1</f></c></row>");
    assert_eq!(read(&Xlsx::of(&beside).bytes()).rows.len(), 1);
}

#[test]
fn with_several_sheets_the_campaign_names_one() {
    let rows = row(1, &["phone", "first"]);
    let two = |more_sheets| Xlsx { more_sheets, ..Xlsx::of(&rows) }.bytes();
    let visible = two(r#"<sheet name="Second list" r:id="s2"/>"#);
    assert_eq!(error(&visible), "list.xlsx has 2 sheets; add `sheet: NAME` with one of `List` and `Second list`");
    for name in ["Second list", "second list", "Second list "] {
        assert_eq!(try_read(&visible, Some(name)).unwrap().columns, ["phone", "second"]);
    }
    assert_eq!(
        try_read(&visible, Some("Second lisd")).unwrap_err(),
        "list.xlsx has no sheet `Second lisd`; did you mean `Second list`?"
    );
    assert_eq!(
        try_read(&visible, Some("Kunden")).unwrap_err(),
        "list.xlsx has no sheet `Kunden`; its sheets are `List` and `Second list`"
    );
    for state in ["hidden", "veryHidden"] {
        let hidden: &'static str = match state {
            "hidden" => r#"<sheet name="Second" state="hidden" r:id="s2"/>"#,
            _ => r#"<sheet name="Second" state="veryHidden" r:id="s2"/>"#,
        };
        let found = read(&two(hidden));
        assert_eq!((&found.columns[1], found.codes()), (&"first".to_owned(), vec![("hidden_sheet", 0)]));
        let found = try_read(&two(hidden), Some("Second")).unwrap();
        assert_eq!(
            (&found.columns[1], &*found.notes[0].message),
            (&"second".to_owned(), "the sheet `Second` is hidden")
        );
    }
    let chart = two(r#"<sheet name="Chart" r:id="c"/>"#);
    assert_eq!((&*read(&chart).columns[1], read(&chart).notes.len()), ("first", 0));
}

#[test]
fn hidden_rows_are_noted_because_their_people_get_the_message() {
    let rows = format!(
        r#"{HEADER}<row r="2" hidden="1"><c><v>85268411234</v></c></row><row r="3"><c><v>85268411235</v></c></row>
        <row r="4" hidden="true"><c/></row>"#
    );
    let hidden = Xlsx::of(&rows);
    let read_hidden = read(&hidden.bytes());
    assert_eq!((read_hidden.rows.len(), read_hidden.codes()), (2, vec![("hidden_rows", 1)]));
    assert_eq!(
        read_hidden.notes[0].message,
        "the list includes 1 hidden row; to leave it out, clear the filter or unhide it, then delete it"
    );
}

#[test]
fn merged_cells_are_noted_if_they_are_in_the_list() {
    let rows = format!("{}{HEADER}", "").replace(r#"r="1""#, r#"r="3""#).replace("A1", "A3").replace("B1", "B3");
    let title = row(1, &[""]);
    let rows =
        format!(r#"{title}{rows}<row r="4"><c><v>85268411234</v></c></row><row r="5"><c><v>85268411235</v></c></row>"#);
    let merged = |areas: &str| {
        let areas: String = areas.split(' ').map(|area| format!(r#"<mergeCell ref="{area}"/>"#)).collect();
        let xlsx = Xlsx::of(&rows);
        let sheet = format!("{}<mergeCells>{areas}</mergeCells>", xlsx.sheet);
        read(&Xlsx { sheet, ..xlsx }.bytes()).notes
    };
    assert_eq!(merged("A1:B1 D4:E4 A20:B20"), []);
    let [note] = &merged("A1:B1 B4:B5")[..] else { panic!() };
    assert_eq!(
        (note.code, &*note.message),
        (
            "merged_cells",
            "merged cells: `B4:B5`. In each range, only the first cell has the value, and the others are empty; unmerge them \
             and fill in the values"
        )
    );
}

#[test]
fn the_header_is_the_first_row_with_text_and_lines_are_those_of_the_sheet() {
    let rows = format!(
        r#"<row r="2"><c r="C2" t="inlineStr"><is><t> </t></is></c></row>
        <row r="4"><c r="B4" t="inlineStr"><is><t>phone</t></is></c><c r="C4" t="inlineStr"><is><t>name</t></is></c></row>
        <row r="5"><c r="B5"><v>85268411234</v></c></row>
        <row r="7"><c r="B7" t="inlineStr"><is><t> </t></is></c></row>
        <row r="9"><c r="B9"><v>85268411235</v></c><c r="C9" t="inlineStr"><is><t>Ana</t></is></c>{}</row>
        <row r="12"><c r="B12" s="0"/></row>"#,
        r#"<c r="D9" t="inlineStr"><is><t>a note</t></is></c>"#
    );
    let read = read(&Xlsx::of(&rows).bytes());
    assert_eq!(read.columns, ["phone", "name"]);
    assert_eq!(read.rows.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [5, 9]);
    assert_eq!(read.cells(), [["85268411234", ""], ["85268411235", "Ana"]]);
    assert_eq!(read.codes(), [("unnamed_column", 0), ("blank_rows", 0)]);
    assert_eq!(read.notes[0].message, "1 cell (D9) is left out, because row 4 has no name for its column");
    assert_eq!(read.notes[1].message, "3 blank rows between the rows of the list are left out");
}

#[test]
fn cells_that_are_not_in_the_file_shift_no_others() {
    let cell = |name: &str, text: &str| format!(r#"<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let header = [cell("A1", "name"), cell("C1", "phone"), cell("F1", "city")].concat();
    let names = ["A", "B", "C", "D", "E", "F"];
    // Every choice of cells that a row has.
    let rows: String = (1..64_usize)
        .map(|bits| {
            let number = bits + 1;
            let cells = names.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            let cells: String =
                cells.map(|(_, name)| cell(&format!("{name}{number}"), &format!("{name}{bits}"))).collect();
            format!(r#"<row r="{number}">{cells}</row>"#)
        })
        .collect();
    let read = read(&Xlsx::of(&format!(r#"<row r="1">{header}</row>{rows}"#)).bytes());
    assert_eq!(read.columns, ["name", "(column 2)", "phone", "(column 4)", "(column 5)", "city"]);
    assert_eq!(read.rows.len(), 63);
    for (line, cells, _) in &read.rows {
        let bits = line - 1;
        let expected: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(at, name)| if bits >> at & 1 == 1 { format!("{name}{bits}") } else { String::new() })
            .collect();
        assert_eq!(*cells, expected, "row {line}");
    }
}

#[test]
fn a_sheet_without_rows_or_without_anything_is_read_as_such() {
    assert_eq!(read(&Xlsx::of(HEADER).bytes()).rows.len(), 0);
    for rows in ["", "<row/>", r#"<row r="5"><c r="B5" s="0"/></row>"#] {
        assert_eq!(error(&Xlsx::of(rows).bytes()), "list.xlsx is empty; its first line must name the columns");
    }
}

#[test]
fn an_ods_file_has_what_its_cells_display() {
    let cell = |text: &str| {
        format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#)
    };
    let body = format!(
        r#"<office:automatic-styles><style:style style:name="ta2"><style:table-properties table:display="false"/></style:style></office:automatic-styles>
        <table:table table:name="Hidden" table:style-name="ta2"><table:table-row>{}</table:table-row></table:table>
        <table:table table:name="List" table:style-name="ta1">
        <table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row>{}{}{}</table:table-row>
        <table:table-row><table:table-cell office:value-type="float" office:value="85268411234"><text:p>85268411234</text:p></table:table-cell>
          <table:table-cell office:value-type="percentage" office:value="0.25"><text:p>25<text:span> %</text:span></text:p></table:table-cell>
          <table:table-cell office:value-type="string" table:number-rows-spanned="2"><office:annotation><text:p>a comment</text:p></office:annotation><text:p>a<text:s text:c="2"/>b<text:tab/>c</text:p><text:p>&lt;d&gt;</text:p></table:table-cell></table:table-row>
        <table:table-row table:visibility="filter"><table:table-cell office:value-type="float" office:value="85268411235"/>
          <table:table-cell table:number-columns-repeated="2" office:value-type="boolean" office:boolean-value="true"/></table:table-row>
        <table:table-row table:number-rows-repeated="2">{}<table:covered-table-cell/></table:table-row>
        <table:table-row table:number-rows-repeated="1048569"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        </table:table>"#,
        cell("secret"),
        cell("phone"),
        cell("discount"),
        cell("text"),
        cell("+852 6841 1236"),
    );
    let read = read(&ods(&body));
    assert_eq!(read.columns, ["phone", "discount", "text"]);
    assert_eq!(
        read.cells(),
        [
            ["85268411234", "25 %", "a  b\tc\n<d>"],
            ["85268411235", "TRUE", "TRUE"],
            ["+852 6841 1236", "", ""],
            ["+852 6841 1236", "", ""],
        ]
    );
    assert_eq!(read.rows.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [4, 5, 6, 7]);
    assert_eq!(read.codes(), [("hidden_sheet", 0), ("hidden_rows", 1), ("merged_cells", 0), ("number_format", 1)]);
    assert_eq!(
        read.rows.iter().map(|(.., problem)| *problem).collect::<Vec<_>>(),
        [None, Some("number_format"), None, None]
    );
    let unset = format!(
        r#"<table:table table:name="a"><table:table-row>{}</table:table-row><table:table-row><table:table-cell table:formula="of:=1"/></table:table-row></table:table>"#,
        cell("phone")
    );
    assert!(error(&ods(&unset)).contains("a formula without a value in cell A2"));
}

#[test]
fn a_file_that_is_not_a_spreadsheet_is_named_with_what_to_do() {
    let web_page = "list.xlsx is a web page or another XML file with a spreadsheet's file extension; open it in a spreadsheet program and save it as .xlsx";
    let password = "list.xlsx is password-protected; remove the password in the spreadsheet program and save it again";
    let damaged =
        "list.xlsx is a damaged or incomplete spreadsheet; open it in a spreadsheet program and save it as .xlsx";
    let globals =
        |records: &[Vec<u8>]| compound("/Workbook", &[&record(0x809, &[0, 6, 5, 0])[..], &records.concat()].concat());
    let cases: [(Vec<u8>, &str); 17] = [
        (
            b"phone,name\n85268411234,Ana\n".to_vec(),
            "list.xlsx is not a spreadsheet; if it is a CSV file, write `csv:` instead of `xlsx:`",
        ),
        (b"<html><table>".to_vec(), web_page),
        (b"\xef\xbb\xbf\r\n<?xml version=\"1.0\"?><Workbook>".to_vec(), web_page),
        (b"\xff\xfe<\0h\0".to_vec(), web_page),
        (b"".to_vec(), "list.xlsx is empty"),
        (vec![0x1f, 0x8b, 8], "list.xlsx is compressed with gzip; decompress it"),
        (compound("/EncryptedPackage", b"x"), password),
        (globals(&[record(0x2f, &[0; 4])]), password),
        (ods(""), "list.xlsx has no sheets"),
        (archive(&[("mimetype", "a"), ("encrypted-package", "a")]), password),
        (
            archive(&[("content.xml", "<a/>"), ("META-INF/manifest.xml", "<m><manifest:encryption-data/></m>")]),
            password,
        ),
        (archive(&[("Index/Document.iwa", "a")]), "list.xlsx is a Numbers document; export it as .xlsx"),
        (
            archive(&[("a.csv", "a")]),
            "list.xlsx is an archive or another document, not a spreadsheet; save the list as .xlsx",
        ),
        (
            archive(&[("[Content_Types].xml", "a"), ("word/document.xml", "a")]),
            "list.xlsx is an archive or another document, not a spreadsheet; save the list as .xlsx",
        ),
        (
            archive(&[
                ("xl/workbook.bin", "a"),
                ("_rels/.rels", r#"<r><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.bin"/></r>"#),
            ]),
            "list.xlsx is a binary workbook (.xlsb); open it in Excel and save it as .xlsx",
        ),
        (
            compound("/WordDocument", b"x"),
            "list.xlsx is an old Office file, but not a spreadsheet; save the list as .xlsx",
        ),
        (
            compound("/Book", b"x"),
            "list.xlsx was saved by Excel 95 or older; open it in a spreadsheet program and save it as .xlsx",
        ),
    ];
    for (bytes, words) in cases {
        assert_eq!(error(&bytes), words);
    }
    for name in ["openpyxl.xlsx", "xlwt.xls", "odfpy.ods"] {
        let whole = fs::read(fixture(name)).unwrap();
        assert_eq!(error(&whole[..whole.len() * 2 / 3]), damaged, "{name}");
    }
}

#[test]
fn a_spreadsheet_under_csv_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["openpyxl.xlsx", "xlwt.xls", "odfpy.ods"] {
        let path = folder.path().join("list.csv");
        fs::copy(fixture(name), &path).unwrap();
        let error = open(&Recipients::new(Source::Csv(path), "phone")).err().unwrap().to_string();
        assert!(
            error.contains("list.csv is a spreadsheet, not a CSV file; write `xlsx:` instead of `csv:`"),
            "{error}"
        );
    }
}
