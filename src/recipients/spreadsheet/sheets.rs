//! Chooses the sheet of a workbook. Nothing is guessed: with several sheets, the campaign names one.

use super::unreadable::{Parsed, Unreadable};
use crate::recipients::error::UnclearSheet;
use crate::recipients::note::ListNote;
use crate::text::{escaped, list, nearest};

/// A sheet of a workbook.
pub(super) struct SheetName {
    pub(super) name: String,
    pub(super) is_hidden: bool,
}

/// The most sheets that a message lists.
const MAX_NAMES: usize = 10;

/// Returns the index of the sheet with this name, or of the only visible one.
pub(super) fn choose(sheets: &[SheetName], wanted: Option<&str>) -> Parsed<usize> {
    let visible: Vec<usize> =
        (0..sheets.len()).filter(|at| sheets.get(*at).is_some_and(|sheet| !sheet.is_hidden)).collect();
    let Some(wanted) = wanted else {
        return match visible.as_slice() {
            [only] => Ok(*only),
            [] if sheets.is_empty() => Err(Unreadable::Content("has no sheets".to_owned())),
            [] => Err(unnamed("has no visible sheet".to_owned(), &names(sheets, |_| true))),
            _ => Err(unnamed(format!("has {} sheets", visible.len()), &names(sheets, |sheet| !sheet.is_hidden))),
        };
    };
    let is_same = |sheet: &SheetName| sheet.name.trim().to_lowercase() == wanted.trim().to_lowercase();
    let exact = sheets.iter().position(|sheet| sheet.name == wanted);
    exact.or_else(|| sheets.iter().position(is_same)).ok_or_else(|| {
        let all = names(sheets, |_| true);
        let hint = match nearest(wanted, &all) {
            Some(near) => format!("did you mean `{}`?", escaped(near)),
            None if all.len() == 1 => format!("its only sheet is {}", listed(&all)),
            None => format!("its sheets are {}", listed(&all)),
        };
        let problem = format!("has no sheet `{}`", escaped(wanted));
        Unreadable::Sheet(UnclearSheet { problem, hint, sheets: listed(&all) })
    })
}

/// Returns a note about the hidden sheets that are not read, if there are any.
pub(super) fn note(sheets: &[SheetName], chosen: usize) -> Option<ListNote> {
    let hidden: Vec<&str> = sheets
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != chosen)
        .map(|(_, sheet)| sheet)
        .filter(|sheet| sheet.is_hidden)
        .map(|sheet| sheet.name.as_str())
        .collect();
    let chosen = sheets.get(chosen)?;
    let message = match (hidden.as_slice(), chosen.is_hidden) {
        ([], false) => return None,
        (_, true) => format!("the sheet `{}` is hidden", escaped(&chosen.name)),
        ([one], false) => format!("the hidden sheet `{}` is not read", escaped(one)),
        (hidden, false) => format!("{} hidden sheets are not read: {}", hidden.len(), listed(hidden)),
    };
    Some(ListNote { code: "hidden_sheet", message, rows: 0 })
}

fn names(sheets: &[SheetName], is_wanted: impl Fn(&SheetName) -> bool) -> Vec<&str> {
    sheets.iter().filter(|sheet| is_wanted(sheet)).map(|sheet| sheet.name.as_str()).collect()
}

fn unnamed(problem: String, names: &[&str]) -> Unreadable {
    let sheets = listed(names);
    let hint = match names {
        [only] => format!("add `sheet: {}`", escaped(only)),
        _ => format!("add `sheet: NAME` with one of {sheets}"),
    };
    Unreadable::Sheet(UnclearSheet { problem, hint, sheets })
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| escaped(name).to_string()).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    match names.len().checked_sub(MAX_NAMES) {
        None | Some(0) => list(&shown),
        Some(more) => format!("`{}` and {more} more", shown.join("`, `")),
    }
}
