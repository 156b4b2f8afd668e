//! The funnel: how many rows reached each step, and what became of the others.
//!
//! It is a fragment of HTML with SVG, so that other pages can show it too; [`STYLES`](super::STYLES) has its styles.

use serde::Serialize;

use crate::model::{State, Tally};
use crate::report::wording::share;
use crate::text::grouped;

/// The width of a step with all rows, in units.
pub(super) const WIDTH: f64 = 1000.0;

/// One step, and the rows that did not reach the next one.
#[derive(Debug, Serialize)]
pub(super) struct FunnelStep {
    name: &'static str,
    rows: String,
    /// The share of all rows.
    share: String,
    /// The share of the previous step.
    kept: Option<String>,
    width: String,
    /// The width of the next step; `None` for the last one.
    next: Option<String>,
    lost: Vec<Lost>,
}

/// Rows that went no further.
#[derive(Debug, Serialize)]
struct Lost {
    tone: &'static str,
    rows: String,
    what: &'static str,
}

/// A step's name, how many rows reached it, and the states that did not reach the next step, with their style and text.
type Stage = (&'static str, fn(&Tally) -> u64, &'static [(State, &'static str, &'static str)]);

const STEPS: [Stage; 5] = [
    (
        "On the list",
        Tally::rows,
        &[
            (State::Invalid, "out", "invalid"),
            (State::Duplicate, "out", "duplicate"),
            (State::Suppressed, "out", "suppressed"),
        ],
    ),
    (
        "Sendable",
        Tally::sendable,
        &[
            (State::Rejected, "bad", "rejected"),
            (State::Exhausted, "bad", "exhausted"),
            (State::Uncertain, "doubt", "uncertain"),
            (State::Cancelled, "out", "cancelled"),
            (State::Expired, "out", "too late"),
            (State::Pending, "open", "not sent yet"),
            (State::Sending, "open", "in flight"),
        ],
    ),
    (
        "Accepted",
        Tally::accepted,
        &[
            (State::Failed, "bad", "failed"),
            (State::Sent, "open", "sent, not reported as delivered"),
            (State::Accepted, "open", "no status"),
        ],
    ),
    ("Delivered", Tally::delivered, &[(State::Delivered, "open", "not reported as read")]),
    ("Read", |tally| tally.of(State::Read), &[]),
];

/// Returns the steps of the funnel.
#[expect(clippy::cast_precision_loss, reason = "a bar needs no more than 52 bits")]
pub(super) fn steps(tally: &Tally) -> Vec<FunnelStep> {
    let all = tally.rows();
    let width = |rows: u64| {
        let share = if all == 0 { 0.0 } else { rows as f64 / all as f64 };
        // Even one row must be visible.
        format!("{:.1}", if rows == 0 { 0.0 } else { (WIDTH * share).max(2.0) })
    };
    let of_step = |step: usize| STEPS.get(step).map(|(_, rows, _)| rows(tally));
    let step = |(step, (name, rows, ways)): (usize, Stage)| {
        let rows = rows(tally);
        let before = step.checked_sub(1).and_then(of_step);
        let lost = ways.iter().map(|(state, tone, what)| (tally.of(*state), tone, what));
        FunnelStep {
            name,
            rows: grouped(rows),
            share: share(rows, all),
            kept: before.map(|before| share(rows, before)),
            width: width(rows),
            next: of_step(step + 1).map(width),
            lost: lost
                .filter(|(rows, ..)| *rows > 0)
                .map(|(rows, tone, what)| Lost { tone, rows: grouped(rows), what })
                .collect(),
        }
    };
    STEPS.into_iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_next_step_or_listed_as_lost() {
        let mut tally = Tally::default();
        for (state, rows) in State::ALL.into_iter().zip([3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53]) {
            tally.add(state, rows);
        }
        for (step, (name, rows, ways)) in STEPS.into_iter().enumerate() {
            let lost: u64 = ways.iter().map(|(state, ..)| tally.of(*state)).sum();
            let next = STEPS.get(step + 1).map_or(rows(&tally), |(_, next, _)| next(&tally));
            assert_eq!(rows(&tally), next + lost, "{name}");
        }
    }

    #[test]
    fn even_one_row_is_visible() {
        let mut tally = Tally::default();
        tally.add(State::Delivered, 9_999_999);
        tally.add(State::Read, 1);
        let steps = steps(&tally);
        assert_eq!(
            steps.iter().map(|step| step.width.as_str()).collect::<Vec<_>>(),
            ["1000.0", "1000.0", "1000.0", "1000.0", "2.0"]
        );
        assert_eq!((steps[4].share.as_str(), steps[4].kept.as_deref()), ("<0.1%", Some("<0.1%")));
        assert_eq!((steps[3].lost[0].rows.as_str(), steps[3].next.as_deref()), ("9,999,999", Some("2.0")));
        assert!(super::steps(&Tally::default()).iter().all(|step| step.width == "0.0" && step.lost.is_empty()));
    }
}
