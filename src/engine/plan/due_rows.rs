//! When the rows of a list are due: how many, in which time zones, and the first and the last of their own times.

use std::collections::HashMap;

use crate::model::Millis;

/// The most time zones that are distinguished; there are about 600. Rows in others count for the campaign's zone.
const MAX_ZONES: usize = 2_000;

/// The rows of a list that can be sent, by the time zones that their send window uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueRows {
    /// Rows for which only the campaign's zone counts, which is the usual case.
    plain: Option<DueInZone>,
    zones: HashMap<String, DueInZone>,
}

/// Rows in the same time zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct DueInZone {
    /// How many there are.
    pub rows: u64,
    /// The first of their own times. A row without a time may be sent at any time.
    pub first: Millis,
    /// The last of their own times.
    pub last: Millis,
}

impl DueInZone {
    fn and(self, others: Self) -> Self {
        let (first, last) = (self.first.min(others.first), self.last.max(others.last));
        Self { rows: self.rows + others.rows, first, last }
    }
}

impl DueRows {
    /// Adds a row. `zones` are names separated by `&`; empty for the campaign's zone.
    pub fn add(&mut self, zones: &str, send_at: Option<Millis>) {
        let at = send_at.unwrap_or(Millis(i64::MIN));
        self.insert(zones, DueInZone { rows: 1, first: at, last: at });
    }

    /// Adds other rows.
    pub(in crate::engine) fn merge(&mut self, others: &Self) {
        others.by_zone().into_iter().for_each(|(zones, rows)| self.insert(zones, rows));
    }

    fn insert(&mut self, zones: &str, rows: DueInZone) {
        let has_room = !zones.is_empty() && self.zones.len() < MAX_ZONES;
        let known = if zones.is_empty() { None } else { self.zones.get_mut(zones) };
        match known {
            Some(so_far) => *so_far = so_far.and(rows),
            None if has_room => {
                self.zones.insert(zones.to_owned(), rows);
            }
            None => self.plain = Some(self.plain.map_or(rows, |so_far| so_far.and(rows))),
        }
    }

    /// Returns the rows by time zones, in the order of the zones' names.
    pub(in crate::engine) fn by_zone(&self) -> Vec<(&str, DueInZone)> {
        let plain = self.plain.map(|rows| ("", rows));
        let mut zones: Vec<_> = self.zones.iter().map(|(zones, rows)| (zones.as_str(), *rows)).chain(plain).collect();
        zones.sort_unstable_by_key(|(zones, _)| *zones);
        zones
    }
}
