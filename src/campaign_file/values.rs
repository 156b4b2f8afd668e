//! Parsers for the values of a campaign file: names, rates, durations, numbers.
//!
//! Pure functions from text to a value or an error with a hint. The command line uses the same functions, so `--rate`
//! means the same as `rate:`.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use encoding_rs::{Encoding, X_USER_DEFINED};

use crate::text::{list, nearest};

/// The longest duration. Nothing in a campaign lasts longer, and the sum of two cannot overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The longest name, in characters. It becomes part of run ids, folders and file names.
const NAME_CHARS: usize = 64;

/// An invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl BadValue {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{}: {hint}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for BadValue {}

/// Parses a rate such as `80/s` or `1000/min` into a number and a period.
///
/// # Errors
///
/// When the unit is missing or unknown, or the number is not a whole number of at least 1.
pub fn parse_rate(text: &str) -> Result<(NonZeroU32, Duration), BadValue> {
    let Some((number, unit)) = text.split_once('/') else {
        let hint = if is_digits(text) {
            format!("write `{text}/s` or `{text}/min`")
        } else {
            "write `80/s` or `1000/min`".into()
        };
        return Err(BadValue::new(format!("`{text}` has no unit"), hint));
    };
    let (number, unit) = (number.trim(), unit.trim());
    let per = match unit {
        "s" => Duration::from_secs(1),
        "min" => Duration::from_secs(60),
        _ => {
            let hint = match unit.to_lowercase().trim_end_matches('s') {
                "" | "sec" | "second" => format!("write `{number}/s`"),
                "m" | "min" | "minute" => format!("write `{number}/min`"),
                _ => "the units are `/s` and `/min`".to_owned(),
            };
            return Err(BadValue::new(format!("unknown unit `/{unit}`"), hint));
        }
    };
    if !is_digits(number) {
        let hint = match number.parse::<f64>() {
            Ok(rate) if unit == "s" && rate > 0.0 && (rate * 60.0).fract() == 0.0 && rate < 1e6 => {
                format!("write `{}/min`", rate * 60.0)
            }
            _ => "write `80/s` or `1000/min`".to_owned(),
        };
        return Err(BadValue::new(format!("`{number}` is not a whole number"), hint));
    }
    match number.parse::<u32>().map(NonZeroU32::new) {
        Ok(Some(rate)) => Ok((rate, per)),
        Ok(None) => Err(BadValue::new("a rate of 0 would never send anything", "write at least `1/min`")),
        Err(_) => {
            Err(BadValue::new(format!("`{number}` is too large"), format!("write at most `{}/{unit}`", u32::MAX)))
        }
    }
}

/// Parses a duration: whole numbers with the units `ms`, `s`, `m`, `h` and `d`, such as `30s`, `1m30s`, `72h` or `3d`,
/// at most 366 days.
///
/// # Errors
///
/// When a number is not whole, a unit is missing or unknown, or the sum is too long.
pub fn parse_duration(text: &str) -> Result<Duration, BadValue> {
    const HINT: &str = "write `500ms`, `30s`, `1m30s`, `72h` or `3d`";
    if is_digits(text) {
        let hint =
            format!("write `{text}s` for seconds, `{text}m` for minutes, `{text}h` for hours or `{text}d` for days");
        return Err(BadValue::new(format!("`{text}` has no unit"), hint));
    }
    let not_a_duration = || BadValue::new(format!("`{text}` is not a duration"), HINT);
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() || unit.is_empty() {
            return Err(not_a_duration());
        }
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(BadValue::new(format!("unknown time unit `{unit}`"), HINT)),
        };
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms)).map(Duration::from_millis);
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| BadValue::new(format!("`{text}` is too long"), "the limit is `366d`"))?;
        rest = tail;
    }
    if text.is_empty() { Err(not_a_duration()) } else { Ok(total) }
}

/// Parses a duration within bounds.
pub(super) fn duration_within(text: &str, least: &str, most: &str) -> Result<Duration, BadValue> {
    let duration = parse_duration(text)?;
    let within = parse_duration(least)? <= duration && duration <= parse_duration(most)?;
    within.then_some(duration).ok_or_else(|| {
        BadValue::new(
            format!("`{text}` is not between {least} and {most}"),
            format!("write a duration from `{least}` to `{most}`"),
        )
    })
}

/// Parses the most requests in flight: a whole number, or `auto` (`None`) to derive it from the rate and the provider's
/// latency.
///
/// # Errors
/// When it is neither.
pub fn parse_concurrency(text: &str) -> Result<Option<usize>, BadValue> {
    if text == "auto" {
        return Ok(None);
    }
    let number = number_within(text, 1..=10_000)
        .map_err(|bad| BadValue { hint: bad.hint.map(|hint| format!("{hint}, or `auto`")), ..bad })?;
    Ok(usize::try_from(number).ok())
}

/// Parses a whole number within bounds.
pub(super) fn number_within(text: &str, bounds: RangeInclusive<u32>) -> Result<u32, BadValue> {
    let hint = format!("write a whole number from {} to {}", bounds.start(), bounds.end());
    if !is_digits(text) {
        return Err(BadValue::new(format!("`{text}` is not a whole number"), hint));
    }
    let number = text.parse::<u32>().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| BadValue::new(format!("{text} is not between {} and {}", bounds.start(), bounds.end()), hint))
}

/// Parses a percentage such as `20%`: a whole number from 1 to 100.
pub(super) fn percent(text: &str) -> Result<u32, BadValue> {
    const HINT: &str = "write a percentage from `1%` to `100%`";
    let bad = |what: &str| BadValue::new(format!("`{text}` {what}"), HINT);
    let number = text.strip_suffix('%').ok_or_else(|| bad("is not a percentage"))?.trim();
    number_within(number, 1..=100).map_err(|_| bad("is not a whole percentage from 1% to 100%"))
}

/// Checks a campaign's name: `[a-z0-9-]`, 1 to 64 characters, no `-` at either end.
///
/// # Errors
/// When it is not such a name.
pub fn parse_name(text: &str) -> Result<String, BadValue> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.chars().count() > NAME_CHARS {
        return Err(BadValue::new(
            format!("the name has {} characters", text.chars().count()),
            format!("use at most {NAME_CHARS}"),
        ));
    }
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(text.to_owned());
    }
    let name = name_from(text).unwrap_or_else(|| "spring-sale".to_owned());
    let hint = format!("use lowercase letters and digits, with `-` between them, such as `{name}`");
    Err(BadValue::new(format!("`{text}` is not a valid campaign name"), hint))
}

/// Returns the valid campaign name that is nearest to a text; `None` if the text has no ASCII letters or digits.
#[must_use]
pub fn name_from(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let name = name.get(..NAME_CHARS).unwrap_or(&name).trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Parses a region: two letters (ISO 3166-1 alpha-2), returned in upper case.
///
/// # Errors
/// When it is anything else.
pub fn parse_region(text: &str) -> Result<String, BadValue> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(BadValue::new(
        format!("`{text}` is not a region"),
        "write a two-letter country code, such as `HK`, `DE` or `US`",
    ))
}

/// Trims a text and refuses a blank one.
pub(super) fn word(text: &str) -> Result<String, BadValue> {
    let word = text.trim();
    if word.is_empty() {
        return Err(BadValue { message: "this is empty".to_owned(), hint: None });
    }
    Ok(word.to_owned())
}

/// Parses `true` or `false`.
pub(super) fn switch_value(text: &str) -> Result<bool, BadValue> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(BadValue::new(format!("`{text}` is not `true` or `false`"), "write `true` or `false`")),
    }
}

/// The encodings that hints name.
const ENCODINGS: [&str; 12] = [
    "utf-8",
    "utf-16",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "iso-8859-1",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-kr",
    "macintosh",
];

/// Parses the label of an encoding, as on the web: `gbk`, `latin1`, `windows-1252` …; and Windows' own names, such as
/// `cp936`.
///
/// # Errors
/// When there is no such encoding.
pub fn parse_encoding(text: &str) -> Result<&'static Encoding, BadValue> {
    let label = match text.trim().to_lowercase().as_str() {
        "cp932" => "shift_jis".to_owned(),
        "cp936" | "windows-936" => "gbk".to_owned(),
        "cp949" => "euc-kr".to_owned(),
        "cp950" | "windows-950" => "big5".to_owned(),
        label => label.to_owned(),
    };
    let found = Encoding::for_label_no_replacement(label.as_bytes()).filter(|encoding| *encoding != X_USER_DEFINED);
    found.ok_or_else(|| {
        let hint = nearest(&label, &ENCODINGS).map_or_else(
            || {
                format!(
                    "write one of {}, or another label that web browsers know, or export the list as UTF-8",
                    list(&ENCODINGS)
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        BadValue::new(format!("unknown encoding `{text}`"), hint)
    })
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases =
            [("500ms", 500), ("30s", 30_000), ("1m30s", 90_000), ("72h", 259_200_000), ("3d", 259_200_000), ("0s", 0)];
        for (text, ms) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_what_to_write() {
        for text in ["", "30", "s", "1.5h", "-1s", "1 m", "1min", "30S", "1h30", "400d", "99999999999999999999d", "十s"]
        {
            let bad = parse_duration(text).unwrap_err();
            assert!(bad.hint.is_some(), "{text}: {bad}");
        }
        assert_eq!(
            parse_duration("30").unwrap_err().hint.unwrap(),
            "write `30s` for seconds, `30m` for minutes, `30h` for hours or `30d` for days"
        );
    }

    #[test]
    fn rates_are_whole_numbers_per_second_or_minute() {
        let second = Duration::from_secs(1);
        assert_eq!(parse_rate("80/s"), Ok((NonZeroU32::new(80).unwrap(), second)));
        assert_eq!(parse_rate("1000/min"), Ok((NonZeroU32::new(1000).unwrap(), second * 60)));
        assert_eq!(parse_rate("4294967295/s").unwrap().0.get(), u32::MAX);
    }

    #[test]
    fn what_is_no_rate_says_what_to_write() {
        let hint = |text| parse_rate(text).unwrap_err().hint.unwrap();
        assert_eq!(hint("80"), "write `80/s` or `80/min`");
        assert_eq!(hint("80/sec"), "write `80/s`");
        assert_eq!(hint("80/minutes"), "write `80/min`");
        assert_eq!(hint("80/h"), "the units are `/s` and `/min`");
        assert_eq!(hint("1.5/s"), "write `90/min`");
        assert_eq!(hint("0/s"), "write at least `1/min`");
        assert_eq!(hint("4294967296/s"), "write at most `4294967295/s`");
        assert_eq!(hint("-1/s"), "write `80/s` or `1000/min`");
        assert_eq!(hint("fast"), "write `80/s` or `1000/min`");
        assert_eq!(hint("nan/s"), "write `80/s` or `1000/min`");
    }

    #[test]
    fn shares_are_whole_percents() {
        assert_eq!((percent("20%"), percent("100 %")), (Ok(20), Ok(100)));
        for text in ["", "20", "0%", "101%", "2.5%", "-1%", "%", "20%%"] {
            assert_eq!(percent(text).unwrap_err().hint.unwrap(), "write a percentage from `1%` to `100%`", "{text}");
        }
    }

    #[test]
    fn a_bad_name_is_answered_with_a_good_one() {
        assert_eq!(parse_name("spring-sale-2"), Ok("spring-sale-2".to_owned()));
        assert!(parse_name("Spring Sale!").unwrap_err().to_string().ends_with("such as `spring-sale`"));
        for text in ["", "-a", "a-", "a_b", "é", &"a".repeat(65)] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_region_is_two_letters() {
        assert_eq!(parse_region("hk"), Ok("HK".to_owned()));
        for text in ["", "H", "HKG", "852", "é"] {
            assert!(parse_region(text).is_err(), "{text}");
        }
    }
}
