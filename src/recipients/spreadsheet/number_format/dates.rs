//! Formats dates and times, which spreadsheets store as a number of days.

use std::fmt::Write as _;

use jiff::civil::{Date, date};

use super::tokens::FormatToken;

/// The first day of a spreadsheet's calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::recipients) enum Epoch {
    /// Day 1 is 1 January 1900, and 1900 is taken for a leap year.
    #[default]
    Year1900,
    /// Day 0 is 1 January 1904.
    Year1904,
}

/// A part of a format for dates.
enum Part {
    Literal(char),
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    /// Digits after the seconds.
    Fraction(usize),
    /// Whether it is written with two letters.
    HalfDay(bool),
    /// All hours, minutes or seconds since the start.
    Elapsed(char, usize),
}

/// A format for dates and times.
pub(super) struct DateFormat {
    parts: Vec<Part>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Whether the tokens of a format are for dates.
pub(super) fn is_date(tokens: &[FormatToken]) -> bool {
    tokens.iter().any(|token| match token {
        FormatToken::Code(code) => matches!(code, 'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S'),
        FormatToken::Bracket(inside) => elapsed(inside).is_some(),
        FormatToken::Literal(_) => false,
    })
}

fn elapsed(inside: &str) -> Option<(char, usize)> {
    let first = inside.chars().next()?.to_ascii_lowercase();
    let same = inside.chars().all(|c| c.to_ascii_lowercase() == first);
    (same && matches!(first, 'h' | 'm' | 's')).then_some((first, inside.len()))
}

impl DateFormat {
    /// Returns `None` if the format cannot be displayed exactly.
    pub(super) fn new(tokens: &[FormatToken]) -> Option<Self> {
        let mut parts = Vec::new();
        let mut is_english = true;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            let code = match token {
                FormatToken::Literal(c) => {
                    parts.push(Part::Literal(*c));
                    continue;
                }
                FormatToken::Bracket(inside) => {
                    match (elapsed(inside), inside.strip_prefix("$-")) {
                        (Some((unit, width)), _) => parts.push(Part::Elapsed(unit, width)),
                        (None, Some(locale)) => is_english = is_english_locale(locale)?,
                        (None, None) => return None,
                    }
                    continue;
                }
                FormatToken::Code(code) => code.to_ascii_lowercase(),
            };
            let rest = tokens.get(at..).unwrap_or_default();
            let same = |token: &&FormatToken| matches!(token, FormatToken::Code(c) if c.to_ascii_lowercase() == code);
            let run = 1 + rest.iter().take_while(same).count();
            at += run - 1;
            parts.push(match code {
                'y' if run <= 4 => Part::Year(run),
                // Whether it means months is decided below.
                'm' if run <= 5 => Part::Month(run),
                'd' if run <= 4 => Part::Day(run),
                'h' if run <= 2 => Part::Hour(run),
                's' if run <= 2 => Part::Second(run),
                'a' => {
                    let long = starts_with(rest, "M/PM");
                    at += if long { 4 } else { starts_with(rest, "/P").then_some(2)? };
                    Part::HalfDay(long)
                }
                '.' if matches!(parts.last(), Some(Part::Second(_) | Part::Elapsed('s', _))) => {
                    let zeros = rest.iter().take_while(|token| matches!(token, FormatToken::Code('0'))).count();
                    at += zeros;
                    match zeros {
                        0 => Part::Literal('.'),
                        1..=3 => Part::Fraction(zeros),
                        _ => return None,
                    }
                }
                '/' | ':' | '-' | ' ' | ',' | '.' | '(' | ')' => {
                    at -= run - 1;
                    Part::Literal(code)
                }
                // Chinese for a.m. and p.m., which would have to be chosen.
                '上' | '下' | '午' => return None,
                c if !c.is_ascii() => {
                    at -= run - 1;
                    Part::Literal(c)
                }
                _ => return None,
            });
        }
        minutes(&mut parts);
        let has_names = parts.iter().any(|part| matches!(part, Part::Month(3..) | Part::Day(3..)));
        (is_english || !has_names).then_some(Self { parts })
    }

    /// Returns the text of a moment; `None` if the calendar does not have it.
    pub(super) fn text(&self, value: f64, epoch: Epoch) -> Option<String> {
        let has_fraction = self.parts.iter().any(|part| matches!(part, Part::Fraction(_)));
        let moment = Moment::new(value, epoch, has_fraction)?;
        let has_half = self.parts.iter().any(|part| matches!(part, Part::HalfDay(_)));
        let mut text = String::new();
        let digits = |text: &mut String, number: i64, width: usize| write!(text, "{number:0width$}").ok();
        for part in &self.parts {
            match part {
                Part::Literal(c) => text.push(*c),
                Part::Year(1 | 2) => digits(&mut text, i64::from(moment.date?.year()) % 100, 2)?,
                Part::Year(_) => digits(&mut text, moment.date?.year().into(), 4)?,
                Part::Month(width @ (1 | 2)) => digits(&mut text, moment.date?.month().into(), *width)?,
                Part::Month(width) => {
                    let name = MONTHS.get(usize::try_from(moment.date?.month() - 1).ok()?)?;
                    let length = match width {
                        3 => 3,
                        5 => 1,
                        _ => name.len(),
                    };
                    text.push_str(name.get(..length)?);
                }
                Part::Day(width @ (1 | 2)) => digits(&mut text, moment.date?.day().into(), *width)?,
                Part::Day(width) => {
                    let name = format!("{:?}", moment.date?.weekday());
                    text.push_str(if *width == 3 { name.get(..3)? } else { &name });
                }
                Part::Hour(width) if has_half => digits(&mut text, (moment.hour() + 11) % 12 + 1, *width)?,
                Part::Hour(width) => digits(&mut text, moment.hour(), *width)?,
                Part::Minute(width) => digits(&mut text, moment.millis / 60_000 % 60, *width)?,
                Part::Second(width) => digits(&mut text, moment.millis / 1000 % 60, *width)?,
                Part::Fraction(width) => {
                    let thousandths = format!("{:03}", moment.millis % 1000);
                    text.push('.');
                    text.push_str(thousandths.get(..*width)?);
                }
                Part::HalfDay(long) => {
                    let half = if moment.hour() < 12 { "AM" } else { "PM" };
                    text.push_str(if *long { half } else { half.get(..1)? });
                }
                Part::Elapsed('h', width) => digits(&mut text, moment.elapsed / 3_600_000, *width)?,
                Part::Elapsed('m', width) => digits(&mut text, moment.elapsed / 60_000, *width)?,
                Part::Elapsed(_, width) => digits(&mut text, moment.elapsed / 1000, *width)?,
            }
        }
        Some(text)
    }
}

/// Returns a date as `2026-12-01`, a time as `14:30:00`, or both.
pub(super) fn iso(value: f64, epoch: Epoch) -> Option<String> {
    let moment = Moment::new(value, epoch, false)?;
    let time = format!("{:02}:{:02}:{:02}", moment.hour(), moment.millis / 60_000 % 60, moment.millis / 1000 % 60);
    Some(match moment.date {
        Some(date) if moment.millis == 0 => date.to_string(),
        Some(date) => format!("{date} {time}"),
        None => time,
    })
}

/// Decides which `m` are minutes: those after hours and those before seconds.
fn minutes(parts: &mut [Part]) {
    let is_time = |part: &Part| !matches!(part, Part::Literal(_) | Part::HalfDay(_) | Part::Fraction(_));
    let places: Vec<usize> =
        parts.iter().enumerate().filter(|(_, part)| is_time(part)).map(|(place, _)| place).collect();
    for (index, place) in places.iter().enumerate() {
        let near = |index: usize| places.get(index).and_then(|place| parts.get(*place));
        let after_hours = matches!(index.checked_sub(1).and_then(near), Some(Part::Hour(_) | Part::Elapsed('h', _)));
        let before_seconds = matches!(near(index + 1), Some(Part::Second(_) | Part::Elapsed('s', _)));
        if let Some(part) = parts.get_mut(*place)
            && let Part::Month(width @ (1 | 2)) = *part
            && (after_hours || before_seconds)
        {
            *part = Part::Minute(width);
        }
    }
}

fn starts_with(tokens: &[FormatToken], text: &str) -> bool {
    let mut tokens = tokens.iter();
    text.chars().all(|wanted| matches!(tokens.next(), Some(FormatToken::Code(c)) if c.eq_ignore_ascii_case(&wanted)))
}

/// Returns whether a locale, such as `409`, has English names; `None` for one with other digits or another calendar.
fn is_english_locale(locale: &str) -> Option<bool> {
    let id = locale.split(',').next().unwrap_or_default();
    if let Some((language, _)) = id.split_once('-') {
        return Some(language.eq_ignore_ascii_case("en"));
    }
    let id = u32::from_str_radix(id, 16).ok().filter(|id| *id <= 0xffff)?;
    Some(id & 0x3ff == 9)
}

/// A date and a time of day.
struct Moment {
    /// `None` for a time without a date.
    date: Option<Date>,
    /// Milliseconds since midnight.
    millis: i64,
    /// Milliseconds since the start of the calendar.
    elapsed: i64,
}

impl Moment {
    fn new(value: f64, epoch: Epoch, with_fraction: bool) -> Option<Self> {
        const DAY: i64 = 86_400_000;
        // The year 9999 is the last that spreadsheets have.
        if !(0.0..2_958_466.0).contains(&value) {
            return None;
        }
        let step = if with_fraction { 1.0 } else { 1000.0 };
        #[allow(clippy::cast_possible_truncation, reason = "at most 2.6e14")]
        let elapsed = ((value * 86_400_000.0 / step).round() * step) as i64;
        let (days, millis) = (elapsed / DAY, elapsed % DAY);
        let first = match (epoch, days) {
            (Epoch::Year1904, _) => date(1904, 1, 1),
            (Epoch::Year1900, 0) => return Some(Self { date: None, millis, elapsed }),
            // The leap day that 1900 did not have.
            (Epoch::Year1900, 60) => return None,
            (Epoch::Year1900, ..60) => date(1899, 12, 31),
            (Epoch::Year1900, _) => date(1899, 12, 30),
        };
        let date = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(Self { date: Some(date), millis, elapsed })
    }

    fn hour(&self) -> i64 {
        self.millis / 3_600_000
    }
}
