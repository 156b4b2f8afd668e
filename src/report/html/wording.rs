//! Numbers, times and shares as the page says them.

use crate::model::Millis;

/// `2026-03-23 07:12:01`: a time for people; the page says once that all times are UTC.
pub(super) fn moment(time: Millis) -> String {
    time.to_string().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// `1,234,567`.
pub(in crate::report) fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `1 row`, `1,234 rows`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `79.98/s`, `52,341/s`: decimals only where they say something.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
pub(super) fn rate(rate: f64) -> String {
    if rate < 1_000.0 { format!("{rate}/s") } else { format!("{}/s", grouped(rate.round() as u64)) }
}

/// `12.3 %`, rounded down, so that only all of them are 100 %.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let per_mille = u128::from(part) * 1000 / u128::from(whole);
    if part > 0 && per_mille == 0 {
        return "<0.1 %".to_owned();
    }
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`: the two largest units.
pub(super) fn length(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = UNITS.iter().position(|(unit, _)| *unit <= seconds).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[first];
    let large = format!("{} {name}", seconds / unit);
    match UNITS.get(first + 1) {
        Some((next, small)) if seconds % unit / next > 0 => format!("{large} {} {small}", seconds % unit / next),
        _ => large,
    }
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
    fn only_all_of_them_are_a_hundred_per_cent() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 5), "0.0 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(1, 10_000_000), "<0.1 %");
        assert_eq!(share(9_999_999, 10_000_000), "99.9 %");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }

    #[test]
    fn lengths_are_said_in_two_units() {
        let shown = [0, 59, 60, 125, 3_600, 12_000, 187_200, 259_260].map(length);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "2 min 5 s", "1 h", "3 h 20 min", "2 d 4 h", "3 d"]);
    }
}
