//! Reads the section `recipients`: where the list is and how it is read.

use std::path::Path;

use crate::model::{DATE, Reading, Recipients, Source, TimeColumns};
use crate::text::{find_column, list, nearest};
use crate::yaml::{FileProblem, FoundProblems, Node, Place};

use super::section::{Section, value};
use super::values::{BadValue, duration_within, parse_encoding, parse_region, switch_value, word};
use super::{inline_rows, renamed_columns, schedule, timing};

/// Reads the section. The path of a file is relative to `folder`, that of the campaign file.
pub(super) fn read(
    (node, key_place): (&Node<'_>, Place),
    folder: &Path,
    scheduled: bool,
    problems: &mut FoundProblems,
) -> Option<(Recipients, TimeColumns)> {
    let section = Section::open("recipients", key_place, node, problems)?;
    let files = ["csv", "xlsx"].map(|key| {
        let found = section.get(key, problems);
        let path = value(key, found, problems, |text| schedule::path_with_date(&word(text)?));
        if let (Some(path), Some((node, _))) = (&path, found)
            && !scheduled
            && path.contains(DATE)
        {
            let message = format!("`{key}` contains `{{{{ date }}}}`, but there is no `schedule` to set its time zone");
            let problem = FileProblem::new("bad_value", node.place, message);
            problems.push(problem.hint("add `schedule`, or write a fixed date"));
        }
        (found, path.map(|path| folder.join(path)))
    });
    let [(csv_found, csv), (xlsx_found, xlsx)] = files;
    let sheet_found = section.get("sheet", problems);
    let sheet = value("sheet", sheet_found, problems, word);
    if let (Some((_, place)), None) = (sheet_found, xlsx_found) {
        let problem = FileProblem::new("bad_value", place, "`sheet` is only for spreadsheets, but `xlsx` is not set");
        problems.push(problem.hint("write the path of the spreadsheet as `xlsx: FILE.xlsx`, or remove `sheet`"));
    }
    let rows_found = section.get("rows", problems);
    let rows = rows_found.and_then(|found| inline_rows::read(found, problems));
    let found = section.require("to", "`to: phone`, with the name of the phone number column", problems);
    let to_place = found.map(|(node, _)| node.place);
    let to = value("to", found, problems, word);
    let found = section.get("region", problems);
    let has_region = found.is_some();
    let region = value("region", found, problems, parse_region);
    let skip_found = section.get("skip_sent_within", problems);
    let skip_sent_within = value("skip_sent_within", skip_found, problems, |text| duration_within(text, "1m", "366d"));
    let (trim, trim_read) = switch("trim", true, &section, problems);
    let (flatten, flatten_read) = switch("flatten", false, &section, problems);
    let (strict_numbers, strict_read) = switch("strict_numbers", false, &section, problems);
    let split_found = section.get("split", problems);
    let split = value("split", split_found, problems, |text| match text {
        "first" => Ok(()),
        _ => Err(BadValue::new(
            format!("unknown value `{text}`"),
            "write `first` to use the first number of a cell, or remove `split`",
        )),
    });
    let encoding_found = section.get("encoding", problems);
    let encoding = value("encoding", encoding_found, problems, parse_encoding);
    let renamed_found = section.get("columns", problems);
    let renamed = renamed_found.map(|found| renamed_columns::read(found, problems));
    let columns = timing::columns(&section, problems);

    if let (Some((_, place)), None) = (encoding_found, csv_found) {
        problems.push(
            FileProblem::new("bad_value", place, "`encoding` is only for CSV files, but `csv` is not set")
                .hint("remove `encoding`"),
        );
    }
    let sources = [
        ("csv", csv_found, "`csv` is here"),
        ("xlsx", xlsx_found, "`xlsx` is here"),
        ("rows", rows_found, "`rows` is here"),
    ];
    let mut given = sources.iter().filter_map(|(key, found, here)| Some((key, found.as_ref()?.1, *here)));
    match (given.next(), given.next()) {
        (Some((first, first_place, here)), Some((second, place, _))) => problems.push(
            FileProblem::new(
                "both_sources",
                place,
                format!("recipients come from either `{first}` or `{second}`, not both"),
            )
            .hint("remove one of the two")
            .related(first_place, here),
        ),
        (None, _) if !sources.iter().any(|(key, ..)| section.has(key)) => problems.push(
            FileProblem::new("missing_key", key_place, "`recipients` needs a source")
                .hint("add `csv: FILE.csv`, `xlsx: FILE.xlsx`, or `rows:` with a list of rows"),
        ),
        _ => {}
    }
    if let (Some(rows), Some(to), Some(place)) = (&rows, &to, to_place)
        && renamed_found.is_none()
        && find_column(&rows.columns, to).is_none()
    {
        let columns: Vec<&str> = rows.columns.iter().map(String::as_str).collect();
        let hint = nearest(to, &columns)
            .map_or_else(|| format!("the rows have {}", list(&columns)), |near| format!("did you mean `{near}`?"));
        let message = format!("`to`: the rows have no column `{to}`");
        problems.push(FileProblem::new("bad_value", place, message).hint(hint));
    }
    let has_sheet = sheet_found.is_some() == sheet.is_some();
    let xlsx = xlsx.map(|path| Source::Sheet { path, name: sheet });
    let source = csv.map(Source::Csv).or(xlsx).or(rows.map(Source::Inline))?;
    let whole = has_sheet && has_region == region.is_some() && skip_found.is_some() == skip_sent_within.is_some();
    let whole = whole && renamed.as_ref().is_none_or(Option::is_some);
    let renamed = renamed.flatten().unwrap_or_default();
    let first_of_several = split.is_some();
    let reading = Reading { trim, flatten, first_of_several, strict_numbers, encoding, columns: renamed };
    let whole = whole && encoding_found.is_some() == encoding.is_some();
    (whole && trim_read && flatten_read && strict_read && split_found.is_some() == split.is_some())
        .then_some((Recipients { source, to: to?, region, skip_sent_within, reading }, columns))
}

/// Reads a key that is `true` or `false`. Returns its value, or the default, and whether there was no problem.
fn switch(key: &str, default: bool, section: &Section<'_, '_>, problems: &mut FoundProblems) -> (bool, bool) {
    let found = section.get(key, problems);
    let read = value(key, found, problems, switch_value);
    (read.unwrap_or(default), found.is_some() == read.is_some())
}
