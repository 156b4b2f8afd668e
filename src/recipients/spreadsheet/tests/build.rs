//! Builds spreadsheets from the XML and the records in them.

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

/// Returns an archive of these files.
pub(super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of one sheet, `List`, to which more can be added.
pub(super) struct Xlsx {
    /// What is within the sheet's element.
    pub(super) sheet: String,
    /// The elements of the workbook's other sheets.
    pub(super) more_sheets: &'static str,
    pub(super) workbook: &'static str,
    /// The codes of the formats with the ids 165, 166 and so on; their styles are 1, 2 and so on.
    pub(super) formats: Vec<&'static str>,
    pub(super) texts: &'static [&'static str],
}

impl Xlsx {
    /// A workbook with these rows.
    pub(super) fn of(rows: &str) -> Self {
        let sheet = format!("<sheetData>{rows}</sheetData>");
        Self { sheet, more_sheets: "", workbook: "", formats: Vec::new(), texts: &[] }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self { sheet, more_sheets, workbook, formats, texts } = self;
        let escaped = |code: &str| code.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let codes: String = (165..)
            .zip(formats)
            .map(|(id, code)| format!(r#"<numFmt numFmtId="{id}" formatCode="{}"/>"#, escaped(code)))
            .collect();
        let styles: String = (165..).zip(formats).map(|(id, _)| format!(r#"<xf numFmtId="{id}"/>"#)).collect();
        let texts: String = texts.iter().map(|text| format!("<si>{text}</si>")).collect();
        archive(&[
            ("[Content_Types].xml", "<Types/>"),
            (
                "_rels/.rels",
                r#"<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
            ),
            (
                "xl/workbook.xml",
                &format!(
                    r#"<workbook xmlns:r="r">{workbook}<sheets><sheet name="List" r:id="s1"/>{more_sheets}</sheets></workbook>"#
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                r#"<Relationships><Relationship Id="s1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>
                <Relationship Id="s2" Type="x/worksheet" Target="/xl/worksheets/sheet2.xml"/>
                <Relationship Id="c" Type="x/chartsheet" Target="chartsheets/sheet1.xml"/>
                <Relationship Id="t" Type="x/sharedStrings" Target="sharedStrings.xml"/>
                <Relationship Id="f" Type="x/styles" Target="styles.xml"/></Relationships>"#,
            ),
            ("xl/worksheets/sheet1.xml", &format!("<worksheet>{sheet}</worksheet>")),
            (
                "xl/worksheets/sheet2.xml",
                &format!("<worksheet><sheetData>{}</sheetData></worksheet>", row(1, &["phone", "second"])),
            ),
            ("xl/sharedStrings.xml", &format!("<sst>{texts}</sst>")),
            (
                "xl/styles.xml",
                &format!(
                    r#"<styleSheet><numFmts>{codes}</numFmts><cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>"#
                ),
            ),
        ])
    }
}

/// A row of texts.
pub(super) fn row(number: u32, cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|text| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#)).collect();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

/// An OpenDocument workbook with this content.
pub(super) fn ods(body: &str) -> Vec<u8> {
    archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
        (
            "content.xml",
            &format!(
                "<office:document-content><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
            ),
        ),
    ])
}

/// A compound file with one stream.
pub(super) fn compound(stream: &str, content: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream(stream).unwrap().write_all(content).unwrap();
    file.into_inner().into_inner()
}

/// A record of an `.xls` workbook.
pub(super) fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat()
}
