//! Numbers, times and shares as text for the page.

use crate::model::Millis;
use crate::text::grouped;

/// `2026-03-23 07:12:01`. The page says once that all times are UTC.
pub(super) fn moment(time: Millis) -> String {
    time.to_string().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// `79.98/s`, `52,341/s`: decimals only below 1,000.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
pub(super) fn rate(rate: f64) -> String {
    if rate < 1_000.0 { format!("{rate}/s") } else { format!("{}/s", grouped(rate.round() as u64)) }
}

/// `12.3 %`, rounded down, so that 100 % always means all.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_of_them_are_a_hundred_per_cent() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 5), "0.0 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(1, 10_000_000), "<0.1 %");
        assert_eq!(share(9_999_999, 10_000_000), "99.9 %");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }
}
