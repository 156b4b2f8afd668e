//! The provider, and what everyone outside the store knows: it judges.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Without;
use crate::model::State;
use crate::store::tests::fixture::*;
use crate::store::{Attempt, Claim, Owner, RowKey, Run, Settlement, WorkerId};

/// A worker's process, as the others see it.
#[derive(Default)]
pub(super) struct Life {
    /// Whether its lease is valid; a process loses it before the others end it.
    pub(super) may_send: Cell<bool>,
    /// Whether the others have ended it, as far as is known.
    pub(super) is_ended: Cell<bool>,
}

/// A message that the provider accepted.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) key: RowKey,
    pub(super) claim: u32,
    pub(super) worker: WorkerId,
    pub(super) id: String,
}

/// What a worker knows of its request.
#[derive(Clone)]
pub(super) enum Answer {
    Accepted(String),
    Refused,
    Again,
    Unheard,
}

/// A claim, with the answer to its request once it left.
pub(super) struct Flight {
    pub(super) claim: Claim,
    pub(super) answer: Option<Answer>,
}

impl Flight {
    /// Returns what the worker hands in. A request that did not leave is released.
    pub(super) fn settled(&self) -> Settlement {
        match &self.answer {
            None => released(&self.claim, NOW),
            Some(Answer::Accepted(id)) => accepted(&self.claim, id),
            Some(Answer::Refused) => rejected(&self.claim),
            Some(Answer::Again) => again(&self.claim, NOW),
            Some(Answer::Unheard) => doubted(&self.claim),
        }
    }
}

pub(super) struct World {
    pub(super) rng: fastrand::Rng,
    pub(super) run: Run,
    pub(super) rows: u64,
    /// Whether a person may have paused the run.
    pub(super) is_paused: bool,
    /// The rule that is left out, if any.
    pub(super) without: Option<Without>,
    pub(super) messages: Vec<Message>,
    /// Every process: its number, and whether it owns the run.
    pub(super) lives: Vec<(i64, bool, Rc<Life>)>,
    /// The claims that were given.
    claims: Vec<Claim>,
    numbers: HashSet<(RowKey, u32)>,
    /// Requests that left.
    pub(super) sends: u64,
    /// Workers that died with all they knew.
    pub(super) dead: HashSet<WorkerId>,
    /// Rows recorded as accepted, with the message and the time.
    pub(super) told: Vec<(RowKey, String)>,
    told_at: HashMap<RowKey, u64>,
    /// Rows recorded as being in doubt.
    pub(super) doubted: HashSet<RowKey>,
    time: u64,
    /// What ended workers will report only after the end.
    pub(super) late: Vec<(Owner, Vec<Settlement>)>,
    /// How often a worker had nothing to do.
    pub(super) idle: u32,
    pub(super) broken: Option<String>,
}

impl World {
    pub(super) fn new(seed: u64, run: Run, rows: u64, without: Option<Without>) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            run,
            rows,
            is_paused: false,
            without,
            messages: Vec::new(),
            lives: Vec::new(),
            claims: Vec::new(),
            numbers: HashSet::new(),
            sends: 0,
            dead: HashSet::new(),
            told: Vec::new(),
            told_at: HashMap::new(),
            doubted: HashSet::new(),
            time: 0,
            late: Vec::new(),
            idle: 0,
            broken: None,
        }
    }

    /// Whether this happens: once in `times`.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    pub(super) fn breaks(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.broken.get_or_insert(what);
    }

    /// Returns the time, which passes whenever somebody asks.
    pub(super) fn now(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    /// A request leaves.
    pub(super) fn send(&mut self, claim: &Claim) -> Answer {
        self.sends += 1;
        let id = format!("m{}", self.sends);
        let (is_accepted, answer) = match self.rng.u32(..20) {
            0 => (false, Answer::Refused),
            1..4 => (false, Answer::Again),
            4 => (false, Answer::Unheard),
            5 | 6 => (true, Answer::Unheard),
            _ => (true, Answer::Accepted(id.clone())),
        };
        if is_accepted {
            self.messages.push(Message { key: claim.key, claim: claim.number, worker: claim.worker, id });
        }
        answer
    }

    /// A worker was given a row by a step that began at `since`.
    pub(super) fn claimed(&mut self, attempt: &Attempt, since: u64, was_ended: bool) {
        let Claim { key, number, .. } = attempt.claim;
        let row = key.row();
        if was_ended {
            self.breaks(format!("row {row} was claimed by a worker whose process had ended"));
        }
        self.claims.push(attempt.claim);
        if !self.numbers.insert((key, number)) {
            self.breaks(format!("claim {number} of row {row} was given twice"));
        }
        if self.told_at.get(&key).is_some_and(|at| *at < since) {
            self.breaks(format!("row {row} was claimed although it was accepted"));
        }
    }

    /// The store has answered that it recorded these.
    pub(super) fn recorded(&mut self, settlements: &[Settlement]) {
        let now = self.now();
        let doubted = settlements.iter().filter(|settlement| settlement.outcome == State::Uncertain);
        self.doubted.extend(doubted.map(|settlement| settlement.claim.key));
        for settlement in settlements.iter().filter(|settlement| settlement.outcome == State::Accepted) {
            self.told.push((settlement.claim.key, settlement.message_id.clone().unwrap_or_default()));
            self.told_at.entry(settlement.claim.key).or_insert(now);
        }
    }

    /// Returns the earlier messages of rows that were claimed again a moment ago.
    pub(super) fn messages_of_rows_in_flight(&self) -> Vec<Message> {
        let last: HashMap<RowKey, u32> =
            self.claims.iter().rev().take(30).map(|claim| (claim.key, claim.number)).collect();
        let is_earlier = |message: &&Message| last.get(&message.key).is_some_and(|number| message.claim < *number);
        self.messages.iter().filter(is_earlier).cloned().collect()
    }

    /// Returns one of the last claims that were given to other workers.
    pub(super) fn claim_of_another(&mut self, worker: WorkerId) -> Option<Claim> {
        let last: Vec<Claim> =
            self.claims.iter().rev().take(30).filter(|claim| claim.worker != worker).copied().collect();
        self.rng.choice(last)
    }
}
