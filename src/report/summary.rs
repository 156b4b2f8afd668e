//! The figures of a run, collected row by row: the content of `summary.json` and `report.html`.
//!
//! It holds counts, never rows.

use std::time::Duration;

use super::stats::countries::Countries;
use super::stats::durations::Durations;
use super::stats::error_counts::Errors;
use super::stats::timeline::Timeline;
use super::types::RunFacts;
use crate::model::{Millis, ReportRow, RowNumber, State, Tally, Zone};

/// The most uncertain rows that are listed.
const MAX_UNCERTAIN: usize = 20;

/// The figures of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    pub(super) facts: RunFacts,
    pub(super) tally: Tally,
    pub(super) errors: Errors,
    /// Messages reported both as failed and as delivered.
    pub(super) contradicted: u64,
    pub(super) countries: Countries,
    /// The first uncertain rows.
    pub(super) uncertain: Vec<RowNumber>,
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
    /// Creates a summary without rows.
    #[must_use]
    pub fn new(facts: RunFacts) -> Self {
        Self {
            facts,
            tally: Tally::default(),
            errors: Errors::default(),
            contradicted: 0,
            countries: Countries::default(),
            uncertain: Vec::new(),
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
    /// A row's problem counts as an error unless the row is accepted, sent, delivered or read. A reported failure of a
    /// delivered message needs no action, so it counts as contradicted instead. Times count for accepted rows.
    pub fn add(&mut self, row: &ReportRow) {
        self.tally.add(row.state, 1);
        self.countries.add(row);
        self.retries += u64::from(row.attempts.saturating_sub(1));
        if !is_good(row.state) && (row.error_code.is_some() || row.error_message.is_some()) {
            let code = row.error_code.as_deref().unwrap_or("unknown");
            self.errors.add(row.row, code, row.error_message.as_deref().unwrap_or_default());
        }
        self.contradicted += u64::from(row.is_contradicted());
        if row.state == State::Uncertain && self.uncertain.len() < MAX_UNCERTAIN {
            self.uncertain.push(row.row);
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

    /// Returns the campaign's time zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.facts.zone
    }

    /// Returns how many rows are in each state.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns how long was waited for a delivery or a failure of each message; `None` if that is not over.
    pub(super) fn waited(&self) -> Option<Duration> {
        self.facts.finished_at.map(|_| self.facts.horizon)
    }

    /// Returns the messages accepted per second between the first and the last acceptance, including pauses, with two
    /// decimals. `n` messages have `n - 1` gaps, so this is `(n - 1) / (last - first)`. `None` with fewer than two
    /// acceptances, or if all have the same time.
    #[must_use]
    pub fn achieved_rate(&self) -> Option<f64> {
        let span = self.last_accepted?.since(self.first_accepted?).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 messages")]
        let gaps = self.timed.saturating_sub(1) as f64;
        (span > 0.0).then(|| (gaps / span * 100.0).round() / 100.0)
    }
}

fn is_good(state: State) -> bool {
    matches!(state, State::Accepted | State::Sent | State::Delivered | State::Read)
}
