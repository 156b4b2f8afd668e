//! Reads the section `recipients`: where the list is and how it is read.

use std::path::Path;

use crate::model::{DATE, Reading, Recipients, Source, TimeColumns};
use crate::text::{list, nearest};
use crate::yaml::{FileProblem, FoundProblems, Node, Place};

use super::section::{Section, value};
use super::values::{duration_within, parse_encoding, region, switch_value, word};
use super::{inline_rows, schedule, timing};

/// Reads the section. The path of a file is relative to `folder`, that of the campaign file.
pub(super) fn read(
    (node, key_place): (&Node<'_>, Place),
    folder: &Path,
    scheduled: bool,
    problems: &mut FoundProblems,
) -> Option<(Recipients, TimeColumns)> {
    let section = Section::open("recipients", key_place, node, problems)?;
    let csv_found = section.get("csv", problems);
    let csv = value("csv", csv_found, problems, |text| schedule::path_with_date(&word(text)?))
        .map(|file| Source::Csv(folder.join(file)));
    if let (Some(Source::Csv(path)), Some((node, _))) = (&csv, csv_found)
        && !scheduled
        && path.to_string_lossy().contains(DATE)
    {
        let message = "`csv` contains the date of a run, but there is no `schedule` to set its time zone";
        problems.push(FileProblem::new("bad_value", node.place, message).hint("add `schedule`, or write a fixed date"));
    }
    let rows_found = section.get("rows", problems);
    let rows = rows_found.and_then(|found| inline_rows::read(found, problems));
    let found = section.require("to", "`to: phone`, with the name of the phone number column", problems);
    let to_place = found.map(|(node, _)| node.place);
    let to = value("to", found, problems, word);
    let found = section.get("region", problems);
    let has_region = found.is_some();
    let region = value("region", found, problems, region);
    let skip_found = section.get("skip_sent_within", problems);
    let skip_sent_within = value("skip_sent_within", skip_found, problems, |text| duration_within(text, "1m", "366d"));
    let (trim, trim_read) = switch("trim", true, &section, problems);
    let (flatten, flatten_read) = switch("flatten", false, &section, problems);
    let encoding_found = section.get("encoding", problems);
    let encoding = value("encoding", encoding_found, problems, parse_encoding);
    let columns = timing::columns(&section, problems);

    if let (Some((_, place)), Some(_)) = (encoding_found, rows_found) {
        problems.push(
            FileProblem::new("bad_value", place, "`encoding` is of a `csv` file, but the recipients come from `rows`")
                .hint("remove `encoding`"),
        );
    }
    match (csv_found, rows_found) {
        (Some((_, csv)), Some((_, rows))) => problems.push(
            FileProblem::new("both_sources", rows, "recipients come from either `csv` or `rows`, not both")
                .hint("remove one of the two")
                .related(csv, "`csv` is here"),
        ),
        (None, None) if !section.has("csv") && !section.has("rows") => problems.push(
            FileProblem::new("missing_key", key_place, "`recipients` needs a source")
                .hint("add `csv: FILE.csv`, or `rows:` with a list of rows"),
        ),
        _ => {}
    }
    if let (Some(rows), Some(to), Some(place)) = (&rows, &to, to_place)
        && !rows.columns.contains(to)
    {
        let columns: Vec<&str> = rows.columns.iter().map(String::as_str).collect();
        let hint = nearest(to, &columns)
            .map_or_else(|| format!("the columns are {}", list(&columns)), |near| format!("did you mean `{near}`?"));
        let message = format!("`to`: the rows have no column `{to}`");
        problems.push(FileProblem::new("bad_value", place, message).hint(hint));
    }
    let source = csv.or(rows.map(Source::Inline))?;
    let whole = has_region == region.is_some() && skip_found.is_some() == skip_sent_within.is_some();
    let whole = whole && encoding_found.is_some() == encoding.is_some();
    let reading = Reading { trim, flatten, encoding };
    (whole && trim_read && flatten_read)
        .then_some((Recipients { source, to: to?, region, skip_sent_within, reading }, columns))
}

/// Reads a key that is `true` or `false`. Returns its value, or the default, and whether there was no problem.
fn switch(key: &str, default: bool, section: &Section<'_, '_>, problems: &mut FoundProblems) -> (bool, bool) {
    let found = section.get(key, problems);
    let read = value(key, found, problems, switch_value);
    (read.unwrap_or(default), found.is_some() == read.is_some())
}
