//! Rows by the country of their number.
//!
//! Counts the rows that are, or were once, to be sent: what is left out of a run has no part in how a country does.

use serde::Serialize;

use super::calling_codes;
use crate::model::{ReportRow, State, Tally};

/// Slots of the codes: all numbers of up to three digits, and 0 for what begins with no code.
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
    /// The calling code; empty where a number begins with none.
    pub(in crate::report) calling_code: String,
    /// Who has the code.
    pub(in crate::report) name: &'static str,
    /// Rows to be sent.
    pub(in crate::report) rows: u64,
    /// Accepted by the provider.
    pub(in crate::report) accepted: u64,
    /// Delivered, read ones among them.
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

    /// All countries that have rows, the one with most rows first, equal ones by code.
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
        // Stable, so that equal ones stay in the order of their codes.
        all.sort_by_key(|country| std::cmp::Reverse(country.rows));
        all
    }
}
