//! Cron expressions: five fields, as in crontab(5).
//!
//! This module parses and matches them against the wall clock. Times that a clock change skips or repeats are handled
//! elsewhere.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::civil::{DateTime, date};

use crate::text::count;

/// A cron expression that comes due at least once.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    text: String,
    parsed: Box<croner::Cron>,
    interval: bool,
}

/// What is wrong with a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadCron {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

/// The fields in their order, with the last value of each and what it may hold.
const FIELDS: [(&str, u8, &str); 5] = [
    ("minute", 59, "minutes are 0 to 59"),
    ("hour", 23, "hours are 0 to 23"),
    ("day of the month", 31, "days are 1 to 31, or `L` for the last"),
    ("month", 12, "months are 1 to 12 or JAN to DEC"),
    ("day of the week", 7, "days are 0 to 7 or SUN to SAT, where 0 and 7 are Sunday; `MON#2` is the second Monday"),
];

impl Cron {
    /// Reads an expression. As in Debian's cron, a day must match both day fields if one of them starts with `*`, and
    /// either one otherwise.
    ///
    /// # Errors
    /// When it is not a cron expression, or never matches.
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        let text = text.trim();
        let fields: Vec<&str> = match text {
            "@hourly" => vec!["0", "*", "*", "*", "*"],
            "@daily" | "@midnight" => vec!["0", "0", "*", "*", "*"],
            "@weekly" => vec!["0", "0", "*", "*", "0"],
            "@monthly" => vec!["0", "0", "1", "*", "*"],
            "@yearly" | "@annually" => vec!["0", "0", "1", "1", "*"],
            _ => text.split_whitespace().collect(),
        };
        if fields.len() != FIELDS.len() {
            let hint = match fields.len() {
                6 | 7 => {
                    "leave out seconds and years; the five fields are minute, hour, day of the month, month and day of the week"
                }
                _ => "write minute, hour, day of the month, month and day of the week, such as `0 9 * * MON`",
            };
            let message =
                format!("`{text}` has {}, but a cron expression has five", count(fields.len() as u64, "field"));
            return Err(BadCron { message, hint: hint.to_owned() });
        }
        let starred = |field: usize| fields[field].starts_with('*');
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .dom_and_dow(starred(2) || starred(4))
            .build();
        // Parse each field alone first, to report the one that is wrong.
        for (at, (name, last, hint)) in FIELDS.into_iter().enumerate() {
            let alone: Vec<&str> = (0..FIELDS.len()).map(|i| if i == at { fields[i] } else { "*" }).collect();
            if parser.parse(&alone.join(" ")).is_err() || fields[at].contains(['+', '@']) {
                let hint = match fields[at].split_once('/') {
                    Some((start, step)) if start.bytes().all(|b| b.is_ascii_digit()) && !start.is_empty() => {
                        format!("a step needs a range, such as `*/{step}` or `{start}-{last}/{step}`; {hint}")
                    }
                    _ => hint.to_owned(),
                };
                return Err(BadCron {
                    message: format!("the {name} of a cron expression cannot be `{}`", fields[at]),
                    hint,
                });
            }
        }
        let text = fields.join(" ");
        let parsed = parser.parse(&text).map_err(|error| BadCron {
            message: format!("`{text}` is not a cron expression"),
            hint: error.to_string(),
        })?;
        let cron = Self { interval: starred(0) || starred(1), text, parsed: Box::new(parsed) };
        // The calendar repeats itself every 28 years within this century.
        let far = date(2028, 1, 1).at(0, 0, 0, 0);
        if cron.next_on_the_wall(date(2000, 1, 1).at(0, 0, 0, 0)).is_none_or(|first| first >= far) {
            return Err(BadCron {
                message: format!("`{}` never matches", cron.text),
                hint: "none of its months has that day".to_owned(),
            });
        }
        Ok(cron)
    }

    /// Returns the expression, with one space between fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it repeats at intervals rather than at times of day: its minutes or hours start with `*`.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.interval
    }

    /// Describes it, such as `every Monday at 09:00`, if the library's words make an English sentence. Those for lists
    /// of hours or minutes, days of the month, and months do not.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let said = self.parsed.describe();
        let said = said.trim_end_matches('.').strip_prefix("At ")?;
        let (time, days) = said.split_once(", ").map_or((said, None), |(time, days)| (time, Some(days)));
        let is_time = time.starts_with(|c: char| c.is_ascii_digit());
        match days {
            None if is_time => Some(format!("every day at {time}")),
            // `*/45` is due at :00 and :45.
            None => {
                let minutes: Option<u32> = time.strip_prefix("every ")?.strip_suffix(" minutes")?.parse().ok();
                minutes.filter(|minutes| 60_u32.checked_rem(*minutes) == Some(0)).map(|_| time.to_owned())
            }
            Some("on the last day of the month") if is_time => Some(format!("at {time} on the last day of each month")),
            Some(days) if is_time => {
                let is_weekdays = |days: &&str| days.starts_with(char::is_uppercase) && !days.contains(", in ");
                days.strip_prefix("on ").filter(is_weekdays).map(|days| format!("at {time} every {days}"))
            }
            Some(_) => None,
        }
    }

    /// Returns the first matching time after `after`, ignoring clock changes.
    #[must_use]
    pub fn next_on_the_wall(&self, after: DateTime) -> Option<DateTime> {
        self.parsed.find_next_occurrence(&after, false).ok()
    }

    /// Returns the first moment after `after` that matches in its time zone. A time that a clock change repeats matches
    /// twice.
    #[must_use]
    pub fn next_moment(&self, after: &Zoned) -> Option<Zoned> {
        self.parsed.find_next_occurrence(after, false).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_said_in_words() {
        let words = |text| Cron::parse(text).unwrap().words().unwrap_or_default();
        assert_eq!(words("0 9 * * MON"), "at 09:00 every Monday");
        assert_eq!(words("30 8 * * MON,WED,FRI"), "at 08:30 every Monday, Wednesday, and Friday");
        assert_eq!(words("*/10 * * * *"), "every 10 minutes");
        assert_eq!(words("@daily"), "every day at 00:00");
        assert_eq!(words("30  9 L * *"), "at 09:30 on the last day of each month");
        for no_sentence in [
            "0 9,17 * * *",
            "*/45 * * * *",
            "0-59/100 * * * *",
            "*/7 9 * * *",
            "0 * * * *",
            "* * * * *",
            "0 9 1 * *",
            "0 9 * 1 *",
            "0 9 * 1 MON",
        ] {
            assert_eq!(words(no_sentence), "", "{no_sentence}");
        }
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (text, field) in [
            ("60 9 * * *", "minute of a cron expression cannot be `60`"),
            ("0 24 * * *", "hour of a cron expression cannot be `24`"),
            ("0 9 32 * *", "day of the month of a cron expression cannot be `32`"),
            ("0 9 * 13 *", "month of a cron expression cannot be `13`"),
            ("0 9 * * FOO", "day of the week of a cron expression cannot be `FOO`"),
            ("0 9 * * +MON", "cannot be `+MON`"),
            ("0/5 * * * *", "cannot be `0/5`"),
            ("*/0 * * * *", "cannot be `*/0`"),
            ("0 9 * *", "has 4 fields"),
            ("0 0 9 * * *", "has 6 fields"),
            ("", "has 0 fields"),
            ("@reboot", "has 1 field,"),
            ("0 9 30 2 *", "never matches"),
            ("0 9 31 4,6,9,11 *", "never matches"),
        ] {
            let bad = Cron::parse(text).unwrap_err();
            assert!(bad.message.contains(field) && !bad.hint.is_empty(), "{text}: {bad:?}");
        }
        for text in ["0 9 29 2 *", "0 9 29 2 MON", "0 0 * 2 MON#5", "*/5 9-17 1-7,15 */2 MON-FRI"] {
            assert!(Cron::parse(text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9*/,#LW?+A-Z-]{1,9} ){4}[0-9*/,#LW?+A-Za-z@-]{1,9}|\\PC{0,20}") {
            if let Ok(cron) = Cron::parse(&text) {
                proptest::prop_assert!(cron.next_on_the_wall(date(2026, 12, 1).at(0, 0, 0, 0)).is_some());
                proptest::prop_assert!(cron.words().is_none_or(|words| !words.is_empty()));
            }
        }
    }
}
