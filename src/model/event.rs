//! What the engine tells those who watch it. Told only after it is durable.

use std::time::Duration;

use super::{Notice, State};

/// How many rows are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; State::ALL.len()]);

/// How many more rows are in each state than were, or fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved([i64; State::ALL.len()]);

impl Moved {
    /// Notes a row that moved from one state to another.
    pub fn shift(&mut self, from: State, to: State) {
        self.0[from as usize] -= 1;
        self.0[to as usize] += 1;
    }
}

impl Tally {
    /// Rows in this state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// Adds `rows` to this state.
    pub fn add(&mut self, state: State, rows: u64) {
        self.0[state as usize] += rows;
    }

    /// The same, where so many rows moved since it was counted.
    #[must_use]
    pub fn after(mut self, moved: &Moved) -> Self {
        for (rows, moved) in self.0.iter_mut().zip(moved.0) {
            *rows = rows.saturating_add_signed(moved);
        }
        self
    }

    /// Moves one row from one state to another.
    pub fn shift(&mut self, from: State, to: State) {
        self.0[from as usize] = self.0[from as usize].saturating_sub(1);
        self.0[to as usize] += 1;
    }

    /// Rows in all states.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Rows that are, or were once, to be sent: all but invalid, duplicate and suppressed ones.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows() - self.of(State::Invalid) - self.of(State::Duplicate) - self.of(State::Suppressed)
    }

    /// Rows that dispatch is done with, one way or another.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.sendable() - self.of(State::Pending) - self.of(State::Sending)
    }

    /// Rows the provider accepted; rows that failed later are among them.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        State::ALL.into_iter().filter(|state| state.was_accepted()).map(|state| self.of(state)).sum()
    }

    /// Rows that were delivered, read ones among them.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.of(State::Delivered) + self.of(State::Read)
    }

    /// Each state that has rows, with their number.
    pub fn iter(&self) -> impl Iterator<Item = (State, u64)> + '_ {
        State::ALL.into_iter().map(|state| (state, self.of(state))).filter(|(_, rows)| *rows > 0)
    }
}

/// Something worth showing while it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// So many rows have been read so far.
    Imported {
        /// Rows read.
        rows: u64,
        /// Bytes of the input read.
        bytes: u64,
        /// Bytes of the input in all, where that is known.
        total_bytes: Option<u64>,
    },
    /// So many media files have been asked about so far.
    Asked {
        /// Files asked about.
        done: u64,
        /// Files to ask about in all.
        total: u64,
    },
    /// Everything is read and checked; so stand the rows at the start.
    Planned(Tally),
    /// Rows moved; so they stand now, durably.
    Moved(Tally),
    /// The provider asked to slow down: the rate is now this many messages a second, after a pause.
    Slowed {
        /// Messages a second from now on.
        rate: f64,
        /// No request before this time is over.
        pause: Duration,
    },
    /// Attempts went wrong alike, so many of them since this was last told.
    Problem {
        /// The problem's code.
        code: String,
        /// Its words, without numbers of people.
        message: String,
        /// How many.
        count: u64,
    },
    /// Dispatch is done; only statuses are waited for.
    Dispatched,
    /// Something that the person who watches should know.
    Notice(Notice),
}

/// Where events go. Called from the working thread: it must return at once.
pub type Events = std::sync::Arc<dyn Fn(Event) + Send + Sync>;
