//! Numbers, times, shares and states as text for people.

use crate::model::{Millis, State, Zone};
use crate::text::{count, grouped};

/// `2026-03-23 07:12:01`, on the clock of a zone. The report names the zone once.
pub(super) fn moment(zone: &Zone, at: Millis) -> String {
    zone.clock(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns what a state means.
pub(super) fn meaning(state: State) -> &'static str {
    match state {
        State::Pending => "not attempted yet, or waiting for the next attempt",
        State::Sending => "the request was started, and its outcome is not known yet",
        State::Accepted => "accepted by the provider, no status yet",
        State::Sent => "sent on to the recipient",
        State::Delivered => "on the recipient’s device",
        State::Read => "opened by the recipient",
        State::Failed => "accepted, but not delivered",
        State::Rejected => "permanently refused by the provider",
        State::Exhausted => "not accepted: all attempts failed, or a person recorded that it was not sent",
        State::Uncertain => "may have been accepted",
        State::Invalid => "no valid message can be made from this row",
        State::Duplicate => "the same number as an earlier row",
        State::Suppressed => "on the suppression list, or reached by an earlier run",
        State::Cancelled => "not sent, because the run was cancelled",
        State::Expired => "not sent before its deadline",
    }
}

/// `79.98/s`, `52,341/s`: decimals only below 1,000.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
pub(super) fn rate(rate: f64) -> String {
    if rate < 1_000.0 { format!("{rate}/s") } else { format!("{}/s", grouped(rate.round() as u64)) }
}

/// `12.3%`, rounded down, so that 100% always means all.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let per_mille = u128::from(part) * 1000 / u128::from(whole);
    if part > 0 && per_mille == 0 {
        return "<0.1%".to_owned();
    }
    format!("{}.{}%", per_mille / 10, per_mille % 10)
}

/// Returns in words how many messages were reported both as failed and as delivered; `None` if there are none.
#[must_use]
pub fn contradicted(rows: u64) -> Option<String> {
    let (were, they_count) = if rows == 1 { ("was", "it counts") } else { ("were", "they count") };
    (rows > 0).then(|| {
        format!(
            "{} {were} reported both as failed and as delivered; {they_count} as delivered, and recipients.csv shows \
             the error",
            count(rows, "message")
        )
    })
}

/// Returns in words how many double sends there are; `None` if there are none.
#[must_use]
pub fn double_sends(messages: u64) -> Option<String> {
    (messages > 0).then(|| {
        format!(
            "{}: the provider accepted two messages for one row, so the person may have received the message twice. Either it \
             created both from one request, or the row was sent again after an attempt that it had accepted after all",
            count(messages, "double send")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_of_them_are_a_hundred_per_cent() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 5), "0.0%");
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(1, 10_000_000), "<0.1%");
        assert_eq!(share(9_999_999, 10_000_000), "99.9%");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0%");
    }
}
