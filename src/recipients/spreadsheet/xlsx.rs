//! Reads `.xlsx` and `.xlsm` workbooks (ECMA-376): their sheets, shared texts and number formats. `xlsx_sheet` reads
//! the cells.

use std::collections::HashMap;
use std::mem;

use quick_xml::events::Event;

use super::cells::{Formats, Styles, Texts};
use super::grid::SheetTable;
use super::number_format::Epoch;
use super::package::{MAX_SHEET, MAX_SMALL, Package, attribute};
use super::sheets::{self, SheetName};
use super::unreadable::{Parsed, Unreadable};
use super::xlsx_sheet::{self, is_true, unescaped};
use crate::recipients::note::ListNote;

const BINARY: &str = "is a binary workbook (.xlsb); open it in Excel and save it as .xlsx";

/// The files that a file refers to: the kind and the path of each, by its id.
type Relations = HashMap<String, (String, String)>;

/// A workbook's own file.
#[derive(Default)]
struct Workbook {
    sheets: Vec<SheetName>,
    /// The relation of each sheet.
    ids: Vec<String>,
    epoch: Epoch,
    /// Whether formulas are to be calculated when a person opens it: their values in the file may be placeholders.
    is_uncalculated: bool,
}

/// Reads the named sheet, or the only visible one.
pub(super) fn read(mut package: Package, wanted: Option<&str>) -> Parsed<(Option<SheetTable>, Vec<ListNote>)> {
    let path = relations(&mut package, "")?
        .into_values()
        .find(|(kind, _)| kind == "officeDocument")
        .map_or_else(|| "xl/workbook.xml".to_owned(), |(_, path)| path);
    if path.to_ascii_lowercase().ends_with(".bin") {
        return Err(Unreadable::Content(BINARY.to_owned()));
    }
    let relations = relations(&mut package, &path)?;
    let mut workbook = workbook(&mut package, &path)?;
    workbook.keep_tables(&relations);
    let chosen = sheets::choose(&workbook.sheets, wanted)?;
    let part = |kind: &str| relations.values().find(|(found, _)| found == kind).map(|(_, path)| path.as_str());
    let texts = match part("sharedStrings") {
        Some(path) if package.has(path) => shared_texts(&mut package, path)?,
        _ => Texts::default(),
    };
    let styles = match part("styles") {
        Some(path) if package.has(path) => styles(&mut package, path)?,
        _ => Styles::default(),
    };
    let formats = Formats { styles, epoch: workbook.epoch };
    let id = workbook.ids.get(chosen).ok_or_else(Unreadable::damaged)?;
    let (_, path) = relations.get(id).ok_or_else(Unreadable::damaged)?;
    let sheet = xlsx_sheet::read(&mut package.part(path, MAX_SHEET)?, &texts, &formats, workbook.is_uncalculated)?;
    Ok((sheet, sheets::note(&workbook.sheets, chosen).into_iter().collect()))
}

impl Workbook {
    /// Drops sheets that have no cells, such as charts.
    fn keep_tables(&mut self, relations: &Relations) {
        let is_table = |id: &String| relations.get(id).is_none_or(|(kind, _)| kind == "worksheet");
        let (ids, sheets) = (mem::take(&mut self.ids), mem::take(&mut self.sheets));
        (self.ids, self.sheets) = ids.into_iter().zip(sheets).filter(|(id, _)| is_table(id)).unzip();
    }
}

/// Reads the relations of a file of the package, or of the package itself.
fn relations(package: &mut Package, of: &str) -> Parsed<Relations> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let path = format!("{folder}/_rels/{name}.rels");
    let path = path.trim_start_matches('/');
    let mut relations = Relations::new();
    if !package.has(path) {
        return Ok(relations);
    }
    let mut xml = package.part(path, MAX_SMALL)?;
    loop {
        match xml.next()? {
            Event::Start(start) if start.local_name().as_ref() == "Relationship" => {
                let (Some(id), Some(kind), Some(target)) =
                    (attribute(&start, "Id")?, attribute(&start, "Type")?, attribute(&start, "Target")?)
                else {
                    continue;
                };
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.insert(id, (kind, resolved(folder, &target)));
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// Returns the path of a target that is relative to a folder, or absolute.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn workbook(package: &mut Package, path: &str) -> Parsed<Workbook> {
    let mut workbook = Workbook::default();
    let mut xml = package.part(path, MAX_SMALL)?;
    loop {
        match xml.next()? {
            Event::Start(start) => match start.local_name().as_ref() {
                "workbookPr" if attribute(&start, "date1904")?.is_some_and(|value| is_true(&value)) => {
                    workbook.epoch = Epoch::Year1904;
                }
                "calcPr" if attribute(&start, "fullCalcOnLoad")?.is_some_and(|value| is_true(&value)) => {
                    workbook.is_uncalculated = true;
                }
                "sheet" => {
                    let name = attribute(&start, "name")?.ok_or_else(Unreadable::damaged)?;
                    let is_hidden = attribute(&start, "state")?.is_some_and(|state| state != "visible");
                    workbook.sheets.push(SheetName { name, is_hidden });
                    workbook.ids.push(attribute(&start, "id")?.ok_or_else(Unreadable::damaged)?);
                }
                _ => {}
            },
            Event::Eof => return Ok(workbook),
            _ => {}
        }
    }
}

fn shared_texts(package: &mut Package, path: &str) -> Parsed<Texts> {
    let mut texts = Texts::default();
    let mut text = String::new();
    let mut is_complete = false;
    let mut xml = package.part(path, MAX_SHEET)?;
    loop {
        match xml.next()? {
            Event::Start(start) if start.local_name().as_ref() == "si" => {
                text.clear();
                // `rPh` is how a text is pronounced.
                xml.text_into(&mut text, "t", "rPh")?;
                texts.push(&unescaped(&text))?;
            }
            Event::End(end) if end.local_name().as_ref() == "sst" => is_complete = true,
            // The archive compares its checksum at the end.
            Event::Eof if is_complete => return Ok(texts),
            Event::Eof => return Err(Unreadable::damaged()),
            _ => {}
        }
    }
}

/// Reads the number format of each cell style.
fn styles(package: &mut Package, path: &str) -> Parsed<Styles> {
    let mut codes: HashMap<u16, String> = HashMap::new();
    let mut styles = Styles::default();
    let mut is_inside = false;
    let mut xml = package.part(path, MAX_SMALL)?;
    loop {
        match xml.next()? {
            Event::Start(start) => match start.local_name().as_ref() {
                // A differential format has one too, without an effect on cells.
                "numFmt" => {
                    let id = attribute(&start, "numFmtId")?.and_then(|id| id.parse().ok());
                    if let (Some(id), Some(code)) = (id, attribute(&start, "formatCode")?) {
                        codes.entry(id).or_insert(code);
                    }
                }
                "cellXfs" => is_inside = true,
                "xf" if is_inside => {
                    let id = attribute(&start, "numFmtId")?.map_or(Ok(0), |id| id.parse());
                    styles.push(id.map_err(|_| Unreadable::damaged())?, &codes)?;
                }
                _ => {}
            },
            Event::End(end) if end.local_name().as_ref() == "cellXfs" => is_inside = false,
            Event::Eof => return Ok(styles),
            _ => {}
        }
    }
}
