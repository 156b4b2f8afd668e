//! The texts of progress, as pure functions of the numbers.

use std::time::Duration;

use super::rate_meter::Rates;
use crate::model::{State, Tally};
use crate::text::{count, grouped};

/// Two rates whose ratio is below this are shown as one rate.
const SAME_RATE: f64 = 1.1;
/// Two rates whose ratio is at least this give two estimates of the time left.
const TWO_ESTIMATES: f64 = 1.25;

/// Estimates how many rows are left to read, from the average length of the rows so far.
pub(super) fn rows_left(rows: u64, bytes: u64, total: u64) -> u64 {
    let left = u128::from(rows) * u128::from(total.saturating_sub(bytes));
    left.checked_div(u128::from(bytes)).and_then(|left| u64::try_from(left).ok()).unwrap_or(0)
}

/// `reading: 120,000 rows (45% of the file)`
pub(super) fn reading(rows: u64, bytes: u64, total: Option<u64>) -> String {
    match total.filter(|total| *total > 0) {
        Some(total) => format!("reading: {} ({} of the file)", count(rows, "row"), percent(bytes, total)),
        None => format!("reading: {}", count(rows, "row")),
    }
}

/// `checking media files: 120 of 400 (30%)`
pub(super) fn asking(done: u64, total: u64) -> String {
    format!("checking media files: {}", of(done, total))
}

/// `read 3,000 rows, 2,980 to send; 10 invalid, 5 duplicate, 5 suppressed`
pub(super) fn planned(tally: &Tally) -> String {
    let left = tally.unsettled();
    let done = tally.settled();
    let mut line = format!("read {}, {} to send", count(tally.rows(), "row"), grouped(left));
    if done > 0 {
        line.push_str(&format!(", {} already dealt with", grouped(done)));
    }
    line + &part("; ", &counts(tally, &[State::Invalid, State::Duplicate, State::Suppressed]))
}

/// `sending: 1,200 of 3,000 accepted (40%), 80.1/s, about 23 s left; 3 rejected, 1 uncertain; 800 delivered, 300 read`;
/// `paused: …` without a rate
pub(super) fn sending(tally: &Tally, rates: Rates, is_paused: bool) -> String {
    let (accepted, all) = (tally.accepted(), tally.sendable());
    let what = if is_paused { "paused" } else { "sending" };
    let mut line = format!("{what}: {} of {} accepted ({})", grouped(accepted), grouped(all), percent(accepted, all));
    // Cancelled rows were not sent at any rate.
    if !is_paused && tally.of(State::Cancelled) == 0 {
        line.push_str(&part(", ", &pace(tally.unsettled(), rates)));
    }
    line.push_str(&part("; ", &troubles(tally)));
    line + &part("; ", &arrivals(tally))
}

/// `sent: 2,990 of 3,000 accepted; 9 rejected, 1 uncertain; 800 delivered, 300 read`; `sent so far: …` if rows are left
pub(super) fn dispatched(tally: &Tally) -> String {
    let what = if tally.settled() < tally.sendable() { "sent so far" } else { "sent" };
    let line = format!("{what}: {} of {} accepted", grouped(tally.accepted()), grouped(tally.sendable()));
    line + &part("; ", &troubles(tally)) + &part("; ", &arrivals(tally))
}

/// `statuses: 2,500 of 2,990 delivered (83%), 1,200 read; 10 failed`
pub(super) fn statuses(tally: &Tally) -> String {
    let (delivered, accepted) = (tally.delivered(), tally.accepted());
    let line = format!(
        "statuses: {} of {} delivered ({})",
        grouped(delivered),
        grouped(accepted),
        percent(delivered, accepted)
    );
    line + &part(", ", &counts(tally, &[State::Read])) + &part("; ", &counts(tally, &[State::Failed]))
}

/// `throttled by the provider; slowing to 40.0/s after a pause of 2 s`
pub(super) fn slowed(rate: f64, pause: Duration) -> String {
    let line = format!("throttled by the provider; slowing to {}", per_second(rate));
    if pause.is_zero() { line } else { format!("{line} after a pause of {}", length(pause.as_secs_f64().ceil())) }
}

/// `80.1/s, about 23 s left`; `20.0/s now, 80.1/s on average, 23 s to 92 s left` if the rate changed; empty without a
/// rate. The two times are those at the current and at the average rate.
pub(super) fn pace(left: u64, rates: Rates) -> String {
    let Rates { now: Some(now), average } = rates else { return String::new() };
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let left = left as f64;
    let average = average.unwrap_or(now);
    let differs = (now / average).max(average / now);
    let pace = if differs < SAME_RATE {
        per_second(now)
    } else {
        format!("{} now, {} on average", per_second(now), per_second(average))
    };
    let [soon, late] = [left / now.max(average), left / now.min(average)].map(|seconds| length(seconds.ceil()));
    match left > 0.0 {
        false => pace,
        true if differs < TWO_ESTIMATES || soon == late => {
            format!("{pace}, about {} left", length((left / now).ceil()))
        }
        true => format!("{pace}, {soon} to {late} left"),
    }
}

/// `no progress for 35 s`
pub(super) fn still(time: Duration) -> String {
    format!("no progress for {}", length(time.as_secs_f64().floor()))
}

/// `1,200 of 3,000 (40%)`
pub(super) fn of(part: u64, whole: u64) -> String {
    format!("{} of {} ({})", grouped(part), grouped(whole), percent(part, whole))
}

/// `3 rejected, 1 uncertain`; empty if there are none.
pub(super) fn troubles(tally: &Tally) -> String {
    counts(
        tally,
        &[State::Rejected, State::Exhausted, State::Uncertain, State::Failed, State::Cancelled, State::Expired],
    )
}

/// `800 delivered, 300 read`: rows that got at least that far.
fn arrivals(tally: &Tally) -> String {
    match tally.delivered() {
        0 => String::new(),
        delivered => format!("{} delivered", grouped(delivered)) + &part(", ", &counts(tally, &[State::Read])),
    }
}

fn counts(tally: &Tally, states: &[State]) -> String {
    let present = states.iter().filter(|state| tally.of(**state) > 0);
    present.map(|state| format!("{} {state}", grouped(tally.of(*state)))).collect::<Vec<_>>().join(", ")
}

fn part(before: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

/// Returns whole per cent, rounded down, so that 100% always means all.
fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{}%", u128::from(part.min(whole)) * 100 / u128::from(whole)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
fn per_second(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}/s") } else { format!("{}/s", grouped(rate.round() as u64)) }
}

/// `23 s`, `4 min`, `2 h 10 min`, `3 d 4 h`: as precise as an estimate can be.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, which is long enough")]
fn length(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours) = (seconds.div_ceil(60), seconds.div_ceil(3_600));
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{minutes} min"),
        5_400..172_800 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[(State, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (state, rows) in rows {
            tally.add(*state, *rows);
        }
        tally
    }

    #[test]
    fn reading_shows_how_far_if_that_is_known() {
        assert_eq!(reading(1_234_567, 45, Some(100)), "reading: 1,234,567 rows (45% of the file)");
        assert_eq!(reading(5, 45, None), "reading: 5 rows");
        assert_eq!(reading(0, 0, Some(0)), "reading: 0 rows");
        assert_eq!(asking(1_200, 4_000), "checking media files: 1,200 of 4,000 (30%)");
    }

    #[test]
    fn planned_shows_what_will_not_be_sent_and_what_was() {
        let mut plan = tally(&[(State::Pending, 2_980), (State::Invalid, 10), (State::Suppressed, 5)]);
        assert_eq!(planned(&plan), "read 2,995 rows, 2,980 to send; 10 invalid, 5 suppressed");
        plan.add(State::Accepted, 1_000);
        assert_eq!(
            planned(&plan),
            "read 3,995 rows, 2,980 to send, 1,000 already dealt with; 10 invalid, 5 suppressed"
        );
    }

    #[test]
    fn sending_shows_everything_important_in_one_line() {
        let now = tally(&[
            (State::Pending, 1_790),
            (State::Sending, 6),
            (State::Sent, 400),
            (State::Delivered, 500),
            (State::Read, 300),
            (State::Rejected, 3),
            (State::Uncertain, 1),
            (State::Invalid, 50),
        ]);
        assert_eq!(
            sending(&now, Rates { now: Some(80.123), average: Some(79.0) }, false),
            "sending: 1,200 of 3,000 accepted (40%), 80.1/s, about 23 s left; 3 rejected, 1 uncertain; 800 delivered, 300 read"
        );
        let waiting = tally(&[(State::Pending, 9)]);
        assert_eq!(sending(&waiting, Rates::default(), false), "sending: 0 of 9 accepted (0%)");
        let rates = Rates { now: Some(80.123), average: Some(79.0) };
        assert_eq!(sending(&waiting, rates, true), "paused: 0 of 9 accepted (0%)");
    }

    #[test]
    fn a_rate_that_changed_gives_two_times_left() {
        let shown = |now, average| pace(1_000, Rates { now: Some(now), average: Some(average) });
        assert_eq!(shown(20.0, 80.0), "20.0/s now, 80.0/s on average, 13 s to 50 s left");
        assert_eq!(shown(50.0, 42.0), "50.0/s now, 42.0/s on average, about 20 s left");
        assert_eq!(shown(50.0, 49.0), "50.0/s, about 20 s left");
        assert_eq!(pace(1_000, Rates { now: None, average: Some(3.0) }), "");
        assert_eq!(still(Duration::from_millis(35_900)), "no progress for 35 s");
    }

    #[test]
    fn the_end_of_sending_and_the_statuses() {
        let now = tally(&[(State::Delivered, 1_300), (State::Read, 1_200), (State::Sent, 480), (State::Failed, 10)]);
        assert_eq!(dispatched(&now), "sent: 2,990 of 2,990 accepted; 10 failed; 2,500 delivered, 1,200 read");
        assert_eq!(statuses(&now), "statuses: 2,500 of 2,990 delivered (83%), 1,200 read; 10 failed");
        assert_eq!(statuses(&Tally::default()), "statuses: 0 of 0 delivered (–)");
    }

    #[test]
    fn slowed_shows_the_new_rate_and_the_pause() {
        let line = slowed(40.0, Duration::from_millis(1_500));
        assert_eq!(line, "throttled by the provider; slowing to 40.0/s after a pause of 2 s");
        assert_eq!(slowed(1_500.4, Duration::ZERO), "throttled by the provider; slowing to 1,500/s");
    }

    #[test]
    fn estimates_are_as_precise_as_they_can_be() {
        let shown = [0.0, 23.0, 89.0, 90.0, 240.0, 7_800.0, 187_200.0, f64::INFINITY].map(length);
        assert_eq!(shown[..7], ["0 s", "23 s", "89 s", "2 min", "4 min", "2 h 10 min", "2 d 4 h"]);
        assert!(shown[7].ends_with(" h"));
    }
}
