//! The figures of a run, gathered row by row: what `summary.json` and `report.html` are made from.
//!
//! Keeps counts, never rows.

use super::stats::countries::Countries;
use super::stats::durations::Durations;
use super::stats::error_counts::Errors;
use super::stats::timeline::Timeline;
use super::types::RunFacts;
use crate::model::{Millis, ReportRow, RowNumber, State, Tally};

/// Uncertain rows that are named, the first ones.
const DOUBTS_NAMED: usize = 20;

/// The figures of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    pub(super) facts: RunFacts,
    pub(super) tally: Tally,
    pub(super) errors: Errors,
    /// Messages that were reported both as failed and as delivered.
    pub(super) contradicted: u64,
    pub(super) countries: Countries,
    /// The first of the uncertain rows.
    pub(super) doubts: Vec<RowNumber>,
    pub(super) to_deliver: Durations,
    pub(super) to_read: Durations,
    pub(super) accepted_over_time: Timeline<1>,
    /// Delivered, and read.
    pub(super) arrived_over_time: Timeline<2>,
    pub(super) retries: u64,
    timed: u64,
    pub(super) first_accepted: Option<Millis>,
    pub(super) last_accepted: Option<Millis>,
}

impl Summary {
    /// No rows yet.
    #[must_use]
    pub fn new(facts: RunFacts) -> Self {
        Self {
            facts,
            tally: Tally::default(),
            errors: Errors::default(),
            contradicted: 0,
            countries: Countries::default(),
            doubts: Vec::new(),
            to_deliver: Durations::default(),
            to_read: Durations::default(),
            accepted_over_time: Timeline::default(),
            arrived_over_time: Timeline::default(),
            retries: 0,
            timed: 0,
            first_accepted: None,
            last_accepted: None,
        }
    }

    /// Counts one row.
    ///
    /// A row's problem counts as an error if the row did not go well. A failure of a message that was delivered all the
    /// same is no error, since nothing has to be done about it; such rows are counted as contradicted. Times count for
    /// rows that were accepted.
    pub fn add(&mut self, row: &ReportRow) {
        self.tally.add(row.state, 1);
        self.countries.add(row);
        self.retries += u64::from(row.attempts.saturating_sub(1));
        if !stands_well(row.state) && (row.error_code.is_some() || row.error_message.is_some()) {
            let code = row.error_code.as_deref().unwrap_or("unknown");
            self.errors.add(row.row, code, row.error_message.as_deref().unwrap_or_default());
        }
        self.contradicted += u64::from(row.is_contradicted());
        if row.state == State::Uncertain && self.doubts.len() < DOUBTS_NAMED {
            self.doubts.push(row.row);
        }
        let Some(accepted) = row.accepted_at.filter(|_| row.state.was_accepted()) else { return };
        self.timed += 1;
        self.first_accepted = Some(self.first_accepted.map_or(accepted, |first| first.min(accepted)));
        self.last_accepted = Some(self.last_accepted.map_or(accepted, |last| last.max(accepted)));
        self.accepted_over_time.add(0, accepted);
        let arrivals = [(&mut self.to_deliver, row.delivered_at), (&mut self.to_read, row.read_at)];
        for (kind, (durations, at)) in arrivals.into_iter().enumerate() {
            if let Some(at) = at {
                durations.add(accepted, at);
                self.arrived_over_time.add(kind, at);
            }
        }
    }

    /// How many rows are in each state.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Messages accepted a second, between the first and the last acceptance, to two decimals: `n` messages have
    /// `n - 1` gaps, so this is `(n - 1) / (last - first)`. Pauses count. `None` with fewer than two acceptances, or
    /// all at one instant.
    #[must_use]
    pub fn achieved_rate(&self) -> Option<f64> {
        let span = self.last_accepted?.since(self.first_accepted?).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 messages")]
        let gaps = self.timed.saturating_sub(1) as f64;
        (span > 0.0).then(|| (gaps / span * 100.0).round() / 100.0)
    }
}

fn stands_well(state: State) -> bool {
    matches!(state, State::Accepted | State::Sent | State::Delivered | State::Read)
}
