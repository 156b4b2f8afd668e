//! Formats numbers, durations, rates and errors for people.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::Duration;

/// `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `1 row`, `1,234 rows`.
#[must_use]
pub fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1 row is`, `1,234 rows are`.
#[must_use]
pub fn count_are(number: u64, thing: &str) -> String {
    format!("{} {}", count(number, thing), if number == 1 { "is" } else { "are" })
}

/// `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`: the two largest units.
#[must_use]
pub fn duration(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = time.as_secs();
    let first = UNITS.iter().position(|(unit, _)| *unit <= seconds).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[first];
    let large = format!("{} {name}", seconds / unit);
    match UNITS.get(first + 1) {
        Some((next, small)) if seconds % unit / next > 0 => format!("{large} {} {small}", seconds % unit / next),
        _ => large,
    }
}

/// `80/s`, `1000/min`: a rate as in a campaign file.
#[must_use]
pub fn rate((requests, per): (NonZeroU32, Duration)) -> String {
    format!("{requests}/{}", if per.as_secs() == 60 { "min" } else { "s" })
}

/// Formats an error and its causes, each once, joined with `between`.
#[must_use]
pub fn error_chain(error: &dyn Error, between: &str) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push_str(between);
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}

/// Formats bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 7, 999, 1_000, 12_345, 1_234_567, u64::MAX].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,234,567", "18,446,744,073,709,551,615"]);
        assert_eq!([0, 1, 1_000].map(|rows| count(rows, "row")), ["0 rows", "1 row", "1,000 rows"]);
    }

    #[test]
    fn a_length_of_time_has_two_units() {
        let shown = [0, 59, 60, 125, 3_600, 12_000, 187_200, 259_260].map(|s| duration(Duration::from_secs(s)));
        assert_eq!(shown, ["0 s", "59 s", "1 min", "2 min 5 s", "1 h", "3 h 20 min", "2 d 4 h", "3 d"]);
    }

    #[test]
    fn each_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Link(&'static str, #[source] Option<Box<Self>>);
        let link = |words, cause: Option<Link>| Link(words, cause.map(Box::new));
        let error = link("a", Some(link("bc", Some(link("c", Some(link("d", None)))))));
        assert_eq!(error_chain(&error, ": "), "a: bc: d");
    }

    #[test]
    fn rates_and_bytes() {
        let rate_of = |seconds| rate((NonZeroU32::new(80).unwrap(), Duration::from_secs(seconds)));
        assert_eq!((rate_of(1), rate_of(60)), ("80/s".to_owned(), "80/min".to_owned()));
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
