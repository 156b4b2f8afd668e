//! Events of the engine for observers, reported only once they are durable.

use std::time::Duration;

use super::{Notice, State};

/// How many rows are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; State::ALL.len()]);

impl Tally {
    /// Returns the rows in this state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// Adds `rows` to this state.
    pub fn add(&mut self, state: State, rows: u64) {
        self.0[state as usize] += rows;
    }

    /// Returns the rows in all states.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the rows that are or were to be sent: all except invalid, duplicate and suppressed ones.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows() - self.of(State::Invalid) - self.of(State::Duplicate) - self.of(State::Suppressed)
    }

    /// Returns the rows that dispatch has finished with.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.sendable() - self.unsettled()
    }

    /// Returns the rows that dispatch has not finished with.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.of(State::Pending) + self.of(State::Sending)
    }

    /// Returns the rows that the provider accepted, including those that failed later.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        State::ALL.into_iter().filter(|state| state.was_accepted()).map(|state| self.of(state)).sum()
    }

    /// Returns how many accepted messages have neither a delivery nor a failure.
    #[must_use]
    pub fn unreported(&self) -> u64 {
        self.of(State::Accepted) + self.of(State::Sent)
    }

    /// Returns the rows that were delivered, including those that were read.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.of(State::Delivered) + self.of(State::Read)
    }

    /// Returns each state that has rows, with their number.
    pub fn iter(&self) -> impl Iterator<Item = (State, u64)> + '_ {
        State::ALL.into_iter().map(|state| (state, self.of(state))).filter(|(_, rows)| *rows > 0)
    }
}

/// Something worth showing while it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Progress of reading rows.
    Imported {
        /// Rows read.
        rows: u64,
        /// Bytes of the input read.
        bytes: u64,
        /// Bytes of the input in total, if known.
        total_bytes: Option<u64>,
    },
    /// Progress of checking media files.
    Asked {
        /// Files checked.
        done: u64,
        /// Files to check in total.
        total: u64,
    },
    /// Everything is read and checked; the rows per state at the start.
    Planned(Tally),
    /// Rows moved; the durable number of rows per state now.
    Moved(Tally),
    /// The provider asked to slow down.
    Slowed {
        /// Messages per second from now on.
        rate: f64,
        /// No request is sent before this time has passed.
        pause: Duration,
    },
    /// Attempts failed with the same problem.
    Problem {
        /// The problem's code.
        code: String,
        /// Its message, without phone numbers.
        message: String,
        /// How many attempts since the last report.
        count: u64,
    },
    /// Dispatch is done; only statuses are waited for.
    Dispatched,
    /// Something that the user should know.
    Notice(Notice),
}

/// Receives events. It is called from the working thread and must return at once.
pub type Events = std::sync::Arc<dyn Fn(Event) + Send + Sync>;
