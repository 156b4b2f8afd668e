//! Finds the column with the numbers and the region of national numbers, in the first rows of a list.
//!
//! A number that is read with the wrong region, or from the wrong column, is a stranger's. So a column is guessed only
//! if its name or its `+` show that it has phone numbers and no other column may be meant; a region only if one fits
//! that the machine's locale names, by numbers that can get messages. Everything else a person decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::error::CliError;
use crate::cli::init::asker::{Asker, missing, not_empty, wrong, wrong_about_list};
use crate::cli::init::guess::Guess;
use crate::cli::init::list::SampledList;
use crate::cli::init::options::{NO_REGION, Options, region};
use crate::cli::output::console;
use crate::model::Phone;
use crate::recipients::{NumberKinds, Numbers};
use crate::report::country_of;
use crate::text;
use crate::text::{escaped_name, with_ascii_digits};

/// The percentage of cells that are numbers in a column with numbers.
const COLUMN: usize = 80;
/// The percentage of numbers that a region has to fit.
const REGION: usize = 95;
/// The fewest digits of a number; fewer are a count or a postcode.
const FEWEST_DIGITS: usize = 7;
/// The most countries that are named.
const COUNTRIES: usize = 5;

/// Words in the names of columns with numbers, in lower case: whole ones, their starts, and parts where no spaces divide
/// words.
const PHONE_WORDS: [&str; 5] = ["cell", "tel", "gsm", "portable", "msisdn"];
const PHONE_STARTS: [&str; 11] =
    ["phone", "telef", "mobil", "whatsapp", "viber", "handy", "móvil", "movil", "celular", "телефон", "мобильн"];
const PHONE_PARTS: [&str; 11] =
    ["phone", "手机", "手機", "电话", "電話", "携帯", "전화", "휴대", "هاتف", "جوال", "موبايل"];
/// Whole names of columns with numbers.
const PHONE_NAMES: [&str; 7] = ["number", "numero", "número", "nummer", "номер", "号码", "號碼"];

/// The column with the numbers, and their region.
pub(super) struct NumberColumn {
    pub(super) to: Guess<String>,
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
        format!("{} of {} cells are numbers", text::grouped(self.numbers as u64), text::grouped(self.filled as u64))
    }
}

/// Finds the column and the region.
pub(super) fn find(list: &SampledList, options: &Options, asker: Asker) -> Result<NumberColumn, CliError> {
    let plain = numbers(None)?;
    let to = column(list, options, asker, &plain)?;
    let at = list.columns.iter().position(|name| *name == to.value).unwrap_or_default();
    let cells: Vec<&str> = list.cells(at).filter(|cell| looks_like_number(cell, &plain)).collect();
    let region = find_region(&cells, options, asker, &plain)?;
    if !asker.quiet {
        let read = numbers(region.value.as_deref())?;
        show_countries(cells.iter().filter_map(|cell| read.normalise(cell).ok()));
    }
    Ok(NumberColumn { to, region })
}

fn numbers(region: Option<&str>) -> Result<Numbers, CliError> {
    Numbers::new(region).map_err(|error| wrong(error.to_string()))
}

fn column(list: &SampledList, options: &Options, asker: Asker, plain: &Numbers) -> Result<Guess<String>, CliError> {
    if let Some(named) = &options.to {
        return list
            .column(named)
            .map(Guess::given)
            .map_err(|words| wrong_about_list("--to: the list has no such column", &format!("--to: {words}")));
    }
    let all = list.columns.iter().enumerate().map(|(at, name)| (name, Cells::of(list.cells(at), plain)));
    let all: Vec<(&String, Cells)> = all.filter(|(_, cells)| cells.numbers > 0).collect();
    let candidates: Vec<_> = all.iter().filter(|(_, cells)| cells.has_numbers()).collect();
    let named: Vec<_> = candidates.iter().filter(|(name, _)| is_phone_name(name)).collect();
    let marked: Vec<_> = candidates.iter().filter(|(_, cells)| is_share(cells.marked, cells.filled, COLUMN)).collect();
    let likely = match (named.as_slice(), marked.as_slice()) {
        ([only], _) | ([], [only]) => Some(*only),
        _ => None,
    };
    // A column with the right name and few numbers may be the one that is meant.
    let phone_columns = all.iter().filter(|(name, _)| is_phone_name(name)).count();
    let certain = likely.filter(|(name, _)| phone_columns == usize::from(is_phone_name(name)));
    let reason = |name: &str, cells: &Cells| {
        format!("the numbers are in column `{}`, because {}", escaped_name(name), cells.words())
    };
    if asker.can_ask() {
        let default = likely.map(|(name, _)| name.to_string()).unwrap_or_default();
        match likely {
            Some((name, cells)) => asker.show(&reason(name, cells)),
            None => asker.show(&format!("the columns are {}", list.names())),
        }
        let read = |answer: &str| not_empty(answer).and_then(|answer| list.column(&answer));
        return asker.ask("the column with the numbers", &default, read).map(Guess::given);
    }
    match certain {
        Some((name, cells)) => Ok(Guess::named(name.to_string(), reason(name, cells), asker.quiet)),
        None => {
            let names: Vec<String> = candidates.iter().map(|(name, _)| escaped_name(name).into_owned()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = match names.as_slice() {
                [] => format!("no column has phone numbers in most of its cells; the columns are {}", list.names()),
                _ => format!("it is unclear which column has the numbers; {} may be meant", text::list(&names)),
            };
            let logged = "it is unclear which column has the numbers; pass --to COLUMN";
            Err(wrong_about_list(logged, &format!("{what}; pass --to COLUMN")))
        }
    }
}

/// What the numbers are without a region.
struct Plain {
    /// Numbers that can be read without a region.
    complete: usize,
    /// Those of them without a `+` or `00`: each could be national, and then another person's.
    unmarked: usize,
    /// Those of them that can get messages.
    likely: usize,
}

fn find_region(
    cells: &[&str],
    options: &Options,
    asker: Asker,
    plain: &Numbers,
) -> Result<Guess<Option<String>>, CliError> {
    if let Some(named) = &options.region {
        let named = (named != NO_REGION).then(|| named.clone());
        numbers(named.as_deref())?;
        return Ok(Guess::given(named));
    }
    let kinds = plain.kinds().map_err(|error| wrong(error.to_string()))?;
    let found = Plain::of(cells, plain, &kinds);
    let fitting = fitting_regions(cells, &kinds);
    let all = text::grouped(cells.len() as u64);
    let is_likely = found.unmarked == 0 || is_share(found.likely, found.unmarked, COLUMN);
    if is_share(found.complete, cells.len(), REGION) && is_likely {
        let ambiguous: Vec<&String> =
            fitting.iter().filter(|(_, read)| differ(cells, plain, read, &kinds)).map(|(name, _)| name).collect();
        let Some(region) = ambiguous.first() else { return Ok(Guess::given(None)) };
        let what = format!("the numbers have no `+`: they may have a country code, or be national numbers of {region}");
        return undecided(&what, "", asker);
    }
    let what = match is_likely {
        true => {
            let national = text::grouped((cells.len() - found.complete) as u64);
            format!("{national} of {all} numbers have no country code")
        }
        false => {
            let unlikely = text::grouped((found.unmarked - found.likely) as u64);
            format!("the numbers have no `+`, and {unlikely} of {all} cannot get messages if read with a country code")
        }
    };
    match fitting.as_slice() {
        [(name, read)] => {
            let fit = cells.iter().filter(|cell| can_get_messages(cell, read, &kinds)).count();
            let why = format!(
                "national numbers are of region {name}, because that is this machine's locale, and {} of {} numbers \
                 are mobile numbers there or have a country code",
                text::grouped(fit as u64),
                all
            );
            if asker.can_ask() {
                return undecided(&format!("{what}; {why}"), name, asker);
            }
            Ok(Guess::named(Some(name.clone()), why, asker.quiet))
        }
        // Without a region, national numbers are invalid; but some of these would be read as numbers abroad.
        _ if asker.can_ask() => undecided(&what, if found.unmarked == 0 { NO_REGION } else { "" }, asker),
        _ if found.unmarked > 0 => {
            let what = format!("{what}; others without a `+` may be national too");
            Err(missing(&what, "--region CODE, such as HK, or --region none if they all have a country code"))
        }
        _ => Ok(Guess::named(None, format!("no region, although {what}: set `region`"), asker.quiet)),
    }
}

/// Asks for the region, or names the flag.
fn undecided(what: &str, default: &str, asker: Asker) -> Result<Guess<Option<String>>, CliError> {
    if !asker.can_ask() {
        return Err(missing(what, "--region CODE, such as HK, or --region none if they all have a country code"));
    }
    asker.show(what);
    let read = |answer: &str| {
        let name = region(answer)?;
        let name = (name != NO_REGION).then_some(name);
        Numbers::new(name.as_deref()).map(|_| name.clone()).map_err(|error| error.to_string())
    };
    let question = "the region of national numbers (such as HK; `none` if all have a country code)";
    asker.ask(question, default, read).map(Guess::given)
}

impl Plain {
    fn of(cells: &[&str], plain: &Numbers, kinds: &NumberKinds) -> Self {
        let mut found = Self { complete: 0, unmarked: 0, likely: 0 };
        for cell in cells {
            let Ok(phone) = plain.normalise(cell) else { continue };
            found.complete += 1;
            if !is_marked(cell) {
                found.unmarked += 1;
                found.likely += usize::from(kinds.of(phone).is_none());
            }
        }
        found
    }
}

/// Returns the regions of the machine's locale that nearly all numbers fit.
fn fitting_regions(cells: &[&str], kinds: &NumberKinds) -> Vec<(String, Numbers)> {
    let locales = ["LC_ALL", "LC_TELEPHONE", "LC_ADDRESS", "LANG"].map(|name| std::env::var(name).unwrap_or_default());
    let regions: BTreeSet<String> = locales.iter().filter_map(|locale| country(locale)).collect();
    let read = |name: String| Numbers::new(Some(&name)).ok().map(|read| (name, read));
    let fits = |(_, read): &(String, Numbers)| {
        let fit = cells.iter().filter(|cell| can_get_messages(cell, read, kinds)).count();
        is_share(fit, cells.len(), REGION)
    };
    regions.into_iter().filter_map(read).filter(fits).collect()
}

/// Returns the country of a locale: `HK` of `zh_HK.UTF-8`.
fn country(locale: &str) -> Option<String> {
    let name = locale.split(['.', '@']).next()?;
    let (_, country) = name.split_once('_')?;
    (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| country.to_owned())
}

/// Whether a region changes whom more than a few of the numbers belong to.
fn differ(cells: &[&str], plain: &Numbers, read: &Numbers, kinds: &NumberKinds) -> bool {
    let differs = |cell: &&&str| match (plain.normalise(cell), read.normalise(cell)) {
        (Ok(one), Ok(other)) => one != other && kinds.of(other).is_none(),
        _ => false,
    };
    let different = cells.iter().filter(differs).count();
    is_share(different, cells.len(), 100 - REGION)
}

/// Whether a cell is a number that can get messages, as far as its numbering plan says.
fn can_get_messages(cell: &str, read: &Numbers, kinds: &NumberKinds) -> bool {
    read.normalise(cell).is_ok_and(|phone| is_marked(cell) || kinds.of(phone).is_none())
}

/// Names the countries of the numbers, so that a person notices a wrong one.
fn show_countries(phones: impl Iterator<Item = Phone>) {
    let mut countries: BTreeMap<(u16, &str), u64> = BTreeMap::new();
    for country in phones.filter_map(country_of) {
        *countries.entry(country).or_default() += 1;
    }
    let mut countries: Vec<_> = countries.into_iter().collect();
    countries.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let named = countries.iter().take(COUNTRIES);
    let mut words: Vec<String> =
        named.map(|((code, name), rows)| format!("+{code} {name}: {}", text::grouped(*rows))).collect();
    if countries.len() > COUNTRIES {
        words.push(format!("{} more", countries.len() - COUNTRIES));
    }
    if !words.is_empty() {
        console::wrapped_info(&format!("the first numbers by country: {}", words.join("; ")));
    }
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
