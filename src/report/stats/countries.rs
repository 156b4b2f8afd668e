//! Counts rows by the country of their number.
//!
//! Only sendable rows count: rows that a run leaves out say nothing about a country.

use serde::Serialize;

use super::calling_codes;
use crate::model::{ReportRow, State, Tally};

/// One slot for each number of up to three digits; slot 0 is for numbers without a code.
const SLOTS: usize = 1000;

/// Tallies by calling code.
#[derive(Clone, Debug)]
pub(in crate::report) struct Countries(Vec<Tally>);

impl Default for Countries {
    fn default() -> Self {
        Self(vec![Tally::default(); SLOTS])
    }
}

/// One country and how far its rows got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Country {
    /// The calling code; empty for numbers without one.
    pub(in crate::report) calling_code: String,
    /// The country or use of the code.
    pub(in crate::report) name: &'static str,
    /// Sendable rows.
    pub(in crate::report) rows: u64,
    /// Accepted by the provider.
    pub(in crate::report) accepted: u64,
    /// Delivered, including read.
    pub(in crate::report) delivered: u64,
    /// Read.
    pub(in crate::report) read: u64,
}

impl Countries {
    /// Counts a row.
    pub(in crate::report) fn add(&mut self, row: &ReportRow) {
        if matches!(row.state, State::Invalid | State::Duplicate | State::Suppressed) {
            return;
        }
        let slot = calling_codes::of(&row.to).map_or(0, usize::from);
        if let Some(tally) = self.0.get_mut(slot) {
            tally.add(row.state, 1);
        }
    }

    /// Returns all countries that have rows, those with most rows first, ties by code.
    pub(in crate::report) fn sorted(&self) -> Vec<Country> {
        let with_rows = self.0.iter().zip(0_u16..).filter(|(tally, _)| tally.rows() > 0);
        let mut all: Vec<Country> = with_rows
            .map(|(tally, code)| Country {
                calling_code: if code == 0 { String::new() } else { code.to_string() },
                name: calling_codes::name(code),
                rows: tally.rows(),
                accepted: tally.accepted(),
                delivered: tally.delivered(),
                read: tally.of(State::Read),
            })
            .collect();
        // The sort is stable, so that ties stay in the order of their codes.
        all.sort_by_key(|country| std::cmp::Reverse(country.rows));
        all
    }
}
