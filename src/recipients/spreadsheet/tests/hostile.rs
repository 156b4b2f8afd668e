//! Files that were made to do harm, or that a fault changed.

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

/// An archive with a file that unpacks to much more than the archive.
fn bomb(name: &str, start: &str, repeated: &str, times: usize) -> Vec<u8> {
    let sheet = Xlsx::of(&row(1, &["phone"])).bytes();
    let mut from = zip::ZipArchive::new(Cursor::new(sheet)).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let file = from.by_index_raw(index).unwrap();
        if file.name().unwrap() != name {
            zip.raw_copy_file(file).unwrap();
        }
    }
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(start.as_bytes()).unwrap();
    let chunk = repeated.repeat(1024);
    (0..times / 1024).for_each(|_| zip.write_all(chunk.as_bytes()).unwrap());
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_file_that_unpacks_to_too_much_is_refused_before_it_fills_the_memory() {
    let cell =
        bomb("xl/worksheets/sheet1.xml", r#"<worksheet><sheetData><row><c t="inlineStr"><is><t>"#, "aaaaaaaa", 1 << 18);
    assert_eq!(
        error(&cell),
        "list.xlsx is too large (a cell of more than 1 MiB); split the list, or export it as CSV, which has no limit"
    );
    let texts = bomb(
        "xl/sharedStrings.xml",
        "<sst>",
        "<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>",
        1 << 18,
    );
    assert!(error(&texts).contains("is too large (more than 128 MiB of text"), "{}", error(&texts));
    let styles = bomb("xl/styles.xml", "<a>", "<cellXfs><xf numFmtId=\"165\"/></cellXfs>", 1 << 18);
    assert!(error(&styles).contains("is too large"), "{}", error(&styles));
    let claimed =
        bomb("xl/sharedStrings.xml", r#"<sst uniqueCount="18446744073709551615" count="9">"#, "<si><t/></si>", 1024);
    assert!(error(&claimed).contains("damaged"), "{}", error(&claimed));
    let repeated = r#"<table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"><text:p>aaaaaaaaaaaa</text:p></table:table-cell></table:table-row></table:table>"#;
    assert!(error(&ods(repeated)).contains("is too large"), "{}", error(&ods(repeated)));
}

#[test]
fn elements_within_each_other_are_limited() {
    let nested = |depth: usize| Xlsx::of(&format!("{HEADER}{}{}", "<a>".repeat(depth), "</a>".repeat(depth))).bytes();
    assert_eq!(read(&nested(200)).rows.len(), 0);
    assert!(error(&nested(300)).contains("damaged"));
}

#[test]
fn a_changed_sheet_is_refused_by_its_checksum() {
    let mut bytes = fs::read(fixture("openpyxl.xlsx")).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes.clone())).unwrap();
    let crc = zip.by_name("xl/worksheets/sheet1.xml").unwrap().crc32().to_le_bytes();
    drop(zip);
    let places: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, window)| *window == crc).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at] ^= 1);
    assert!(error(&bytes).contains("damaged"), "{}", error(&bytes));
}

#[test]
fn cells_out_of_order_are_refused_because_they_could_be_another_persons() {
    for rows in [
        r#"<row r="3"><c><v>1</v></c></row><row r="2"><c><v>1</v></c></row>"#,
        r#"<row r="2"><c r="A3"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>1</v></c></row>"#,
        r#"<row r="2"><c t="s"><v>7</v></c></row>"#,
        r#"<row r="2"><c s="7"><v>7</v></c></row>"#,
        r#"<row r="2"><c r="ZZZZZZZZ2"><v>7</v></c></row>"#,
        r#"<row r="0"><c><v>7</v></c></row>"#,
        r#"<row r="1048577"><c><v>7</v></c></row>"#,
        r#"<row r="2"><c><v>NaN</v></c></row>"#,
        r#"<row r="2"><c><v>seven</v></c></row>"#,
        r#"<row r="2"><c><v>7</v></row>"#,
        r#"<row r="2"><c t="inlineStr"><is><t>&unknown;</t></is></c></row>"#,
    ] {
        let error = error(&Xlsx::of(&format!("{HEADER}{rows}")).bytes());
        assert!(error.contains("damaged"), "{rows}: {error}");
    }
}

#[test]
fn no_fault_in_a_file_makes_it_panic() {
    let mut random = fastrand::Rng::with_seed(30);
    for name in ["openpyxl.xlsx", "xlwt.xls", "odfpy.ods"] {
        let whole = fs::read(fixture(name)).unwrap();
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            let _ = try_read(&bytes, None);
        }
    }
}
