//! Finds the column with the numbers and the region of national numbers, in the first rows of a list.
//!
//! A number that is read with the wrong region, or from the wrong column, is a stranger's. So a column is guessed only
//! if it is the only one whose name or `+` shows that it has phone numbers, and a region is never guessed: none is
//! needed if every number starts with `+` or `00`, and otherwise a person decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::error::CliError;
use crate::cli::init::asker::{Asker, missing, not_empty, wrong, wrong_about_list};
use crate::cli::init::guess::Guess;
use crate::cli::init::list::SampledList;
use crate::cli::init::options::{NONE, Options, region};
use crate::recipients::{NumberKinds, Numbers};
use crate::report::country_of;
use crate::text;
use crate::text::{escaped_name, with_ascii_digits};

/// The percentage of cells that are numbers in a column with numbers.
const COLUMN: usize = 80;
/// The percentage of numbers that a region has to fit to be suggested.
const REGION: usize = 95;
/// The fewest digits of a number; fewer are a count or a postcode.
const FEWEST_DIGITS: usize = 7;
/// The most countries that are named.
const COUNTRIES: usize = 5;

/// Words in the names of columns with numbers, in lower case: whole ones, their starts, and parts where no spaces
/// divide words.
const PHONE_WORDS: [&str; 5] = ["cell", "tel", "gsm", "portable", "msisdn"];
const PHONE_STARTS: [&str; 11] =
    ["phone", "telef", "mobil", "whatsapp", "viber", "handy", "móvil", "movil", "celular", "телефон", "мобильн"];
const PHONE_PARTS: [&str; 11] =
    ["phone", "手机", "手機", "电话", "電話", "携帯", "전화", "휴대", "هاتف", "جوال", "موبايل"];
/// Whole names of columns with numbers.
const PHONE_NAMES: [&str; 7] = ["number", "numero", "número", "nummer", "номер", "号码", "號碼"];

/// The column with the numbers, and their region.
pub(super) struct NumberColumn {
    /// Its index.
    pub(super) to: Guess<usize>,
    /// `None` if every number needs its country code.
    pub(super) region: Guess<Option<String>>,
}

/// What the first cells of a column look like.
struct Cells {
    filled: usize,
    /// Those that look like numbers, with or without a country code.
    numbers: usize,
    /// Those of them that start with `+` or `00`.
    marked: usize,
}

impl Cells {
    fn of(cells: impl Iterator<Item = impl AsRef<str>>, plain: &Numbers) -> Self {
        let mut found = Self { filled: 0, numbers: 0, marked: 0 };
        for cell in cells {
            found.filled += 1;
            if looks_like_number(cell.as_ref(), plain) {
                found.numbers += 1;
                found.marked += usize::from(is_marked(cell.as_ref()));
            }
        }
        found
    }

    fn has_numbers(&self) -> bool {
        is_share(self.numbers, self.filled, COLUMN)
    }

    fn words(&self) -> String {
        let are = if self.numbers == 1 { "is a number" } else { "are numbers" };
        format!("{} of {} {are}", text::grouped(self.numbers as u64), text::count(self.filled as u64, "cell"))
    }
}

/// Finds the column and the region.
pub(super) fn find(list: &SampledList, options: &Options, asker: Asker) -> Result<NumberColumn, CliError> {
    let plain = numbers(None)?;
    let to = column(list, options, asker, &plain)?;
    let cells: Vec<&str> = list.cells(to.value).filter(|cell| looks_like_number(cell, &plain)).collect();
    let region = find_region(&cells, options, asker, &plain)?;
    if !asker.quiet {
        let read = numbers(region.value.as_deref())?;
        asker.show(&format!("countries of the first numbers: {}", countries(&cells, &read)));
    }
    Ok(NumberColumn { to, region })
}

fn numbers(region: Option<&str>) -> Result<Numbers, CliError> {
    Numbers::new(region).map_err(|error| wrong(error.to_string()))
}

fn column(list: &SampledList, options: &Options, asker: Asker, plain: &Numbers) -> Result<Guess<usize>, CliError> {
    if let Some(named) = &options.to {
        return list
            .position(named)
            .map(Guess::given)
            .map_err(|words| wrong_about_list("--to: the list has no such column", &format!("--to: {words}")));
    }
    let all: Vec<(usize, &str, Cells)> = list
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| (at, name.as_str(), Cells::of(list.cells(at), plain)))
        .filter(|(_, _, cells)| cells.numbers > 0)
        .collect();
    // A column with the right name and few numbers may be the one that is meant.
    let is_candidate =
        |(_, name, cells): &&(usize, &str, Cells)| is_phone_name(name) || cells.has_numbers() && cells.marked > 0;
    let candidates: Vec<_> = all.iter().filter(is_candidate).collect();
    let only = match candidates.as_slice() {
        [only] if only.2.has_numbers() => Some(*only),
        _ => None,
    };
    let reason = |name: &str, cells: &Cells| {
        format!("the numbers are in column `{}`, because {}", escaped_name(name), cells.words())
    };
    if asker.can_ask() {
        match only {
            Some((_, name, cells)) => asker.show(&format!("in column `{}`, {}", escaped_name(name), cells.words())),
            None => asker.show(&format!("the columns are {}", list.names())),
        }
        let default = only.map(|(_, name, _)| *name).unwrap_or_default();
        let read = |answer: &str| not_empty(answer).and_then(|answer| list.position(&answer));
        return asker.ask("the column with the numbers", default, read).map(Guess::given);
    }
    if let Some((at, name, cells)) = only {
        return Ok(Guess::made(*at, reason(name, cells)));
    }
    let may_be_meant = |(_, name, cells): &&(usize, &str, Cells)| is_phone_name(name) || cells.has_numbers();
    let names: Vec<_> = all.iter().filter(may_be_meant).map(|(_, name, _)| escaped_name(name)).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let what = match names.as_slice() {
        [] => format!("no column has phone numbers in most of its cells; the columns are {}", list.names()),
        [name] => format!("it is unclear which column has the numbers; it may be `{name}`"),
        _ => format!("it is unclear which column has the numbers; the candidates are {}", text::list(&names)),
    };
    let logged = "it is unclear which column has the numbers; pass --to COLUMN";
    Err(wrong_about_list(logged, &format!("{what}; pass --to COLUMN")))
}

fn find_region(
    cells: &[&str],
    options: &Options,
    asker: Asker,
    plain: &Numbers,
) -> Result<Guess<Option<String>>, CliError> {
    if let Some(named) = &options.region {
        let named = (named != NONE).then(|| named.clone());
        numbers(named.as_deref())?;
        return Ok(Guess::given(named));
    }
    let all = text::count(cells.len() as u64, "number");
    let what = match cells.iter().filter(|cell| !is_marked(cell)).count() {
        _ if cells.is_empty() => "no cell of the column looks like a phone number".to_owned(),
        0 => {
            let start = if cells.len() == 1 {
                "the only number starts".to_owned()
            } else {
                format!("all of the first {all} start")
            };
            return Ok(Guess::made(None, format!("no region is needed, because {start} with `+` or `00`")));
        }
        1 if cells.len() == 1 => {
            "the only number does not start with `+` or `00`, so it is unclear which country it belongs to".to_owned()
        }
        1 => format!(
            "1 of the first {all} does not start with `+` or `00`, so it is unclear which country it belongs to"
        ),
        unmarked if unmarked == cells.len() => {
            format!("none of the first {all} starts with `+` or `00`, so it is unclear which country they belong to")
        }
        unmarked => format!(
            "{} of the first {all} do not start with `+` or `00`, so it is unclear which country they belong to",
            text::grouped(unmarked as u64)
        ),
    };
    if !asker.can_ask() {
        let flags = match cells {
            [] => "--to with the right column",
            _ => "--region CODE, such as HK, or --region none if all numbers have a country code",
        };
        return Err(missing(&what, flags));
    }
    let default = suggested_region(cells, plain)?;
    asker.show(&what);
    asker.show(&format!("with `{NONE}` (all numbers have a country code): {}", countries(cells, plain)));
    if let Some(name) = &default {
        asker.show(&format!("with `{name}`: {}", countries(cells, &numbers(Some(name))?)));
    }
    let read = |answer: &str| {
        let name = region(&not_empty(answer)?)?;
        let name = (name != NONE).then_some(name);
        Numbers::new(name.as_deref()).map(|_| name.clone()).map_err(|error| error.to_string())
    };
    let question = "the region of national numbers (such as HK, or `none`)";
    asker.ask(question, default.as_deref().unwrap_or_default(), read).map(Guess::given)
}

/// Returns the region of the machine's locale, if there is one and nearly all numbers fit it.
fn suggested_region(cells: &[&str], plain: &Numbers) -> Result<Option<String>, CliError> {
    let kinds = plain.kinds().map_err(|error| wrong(error.to_string()))?;
    let locales = ["LC_ALL", "LC_TELEPHONE", "LC_ADDRESS", "LANG"].map(|name| std::env::var(name).unwrap_or_default());
    let regions: BTreeSet<String> = locales.iter().filter_map(|locale| country(locale)).collect();
    let fits = |name: &String| {
        let Ok(read) = Numbers::new(Some(name)) else { return false };
        let fit = cells.iter().filter(|cell| can_get_messages(cell, &read, &kinds)).count();
        is_share(fit, cells.len(), REGION)
    };
    let mut fitting = regions.into_iter().filter(fits);
    Ok(fitting.next().filter(|_| fitting.next().is_none()))
}

/// Returns the country of a locale: `HK` of `zh_HK.UTF-8`.
fn country(locale: &str) -> Option<String> {
    let name = locale.split(['.', '@']).next()?;
    let (_, country) = name.split_once('_')?;
    (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| country.to_owned())
}

/// Whether a cell is a number that can get messages, as far as its numbering plan says.
fn can_get_messages(cell: &str, read: &Numbers, kinds: &NumberKinds) -> bool {
    read.normalise(cell).is_ok_and(|phone| is_marked(cell) || kinds.of(phone).is_none())
}

/// Names the countries of the numbers, so that a person notices a wrong one.
fn countries(cells: &[&str], read: &Numbers) -> String {
    let mut countries: BTreeMap<(u16, &str), u64> = BTreeMap::new();
    let mut unreadable = 0;
    for cell in cells {
        match read.normalise(cell).ok().and_then(country_of) {
            Some(country) => *countries.entry(country).or_default() += 1,
            None => unreadable += 1,
        }
    }
    let mut countries: Vec<_> = countries.into_iter().collect();
    countries.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let named = countries.iter().take(COUNTRIES);
    let mut words: Vec<String> =
        named.map(|((code, name), rows)| format!("+{code} {name}: {}", text::grouped(*rows))).collect();
    let others: u64 = countries.iter().skip(COUNTRIES).map(|(_, rows)| rows).sum();
    for (rows, what) in [(others, "other countries"), (unreadable, "no valid number")] {
        if rows > 0 {
            words.push(format!("{what}: {}", text::grouped(rows)));
        }
    }
    words.join("; ")
}

fn is_phone_name(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let is_phone = |word: &str| PHONE_WORDS.contains(&word) || PHONE_STARTS.iter().any(|start| word.starts_with(start));
    PHONE_NAMES.contains(&name.as_str())
        || PHONE_PARTS.iter().any(|part| name.contains(part))
        || name.split(|c: char| !c.is_alphabetic()).any(is_phone)
}

/// Whether a text is a number, or looks like one without a country code.
fn looks_like_number(cell: &str, plain: &Numbers) -> bool {
    let ascii = with_ascii_digits(cell);
    let digits = ascii.bytes().filter(u8::is_ascii_digit).count();
    let is_written_so = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-.()/'".contains(c);
    digits >= FEWEST_DIGITS && (plain.normalise(cell).is_ok() || digits <= 15 && ascii.chars().all(is_written_so))
}

/// Whether a number starts with `+` or `00`.
fn is_marked(cell: &str) -> bool {
    let start = with_ascii_digits(cell);
    let start = start.trim_start_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '\u{ff0b}'));
    start.starts_with(['+', '\u{ff0b}']) || start.starts_with("00")
}

/// Whether a count is at least a percentage of all.
fn is_share(count: usize, of: usize, percent: usize) -> bool {
    count > 0 && count * 100 >= of * percent
}
