//! What the world knows of each claim, and what people said of each row.

use super::op::SendResponse;
use crate::model::State;
use crate::store::WorkerId;

/// A claim that was returned.
#[derive(Clone, Copy, Default)]
pub(super) struct Made {
    pub(super) response: Option<SendResponse>,
    /// Whether a living worker may still send it.
    pub(super) may_leave: bool,
    /// What the store was given for it; an acceptance outweighs a doubt.
    pub(super) recorded: Option<State>,
    /// Whether the provider reported that it was not delivered.
    pub(super) failed: bool,
    /// Whether a status named it by its reference.
    pub(super) reported: bool,
    pub(super) worker: Option<WorkerId>,
}

impl Made {
    /// Whether it is a message as far as the store can know: of some, only a reference tells.
    pub(super) fn is_message(&self) -> bool {
        match self.response {
            Some(SendResponse::Accepted | SendResponse::AcceptedUnheard) => true,
            Some(SendResponse::AcceptedRefused | SendResponse::AcceptedAgain) => self.reported,
            _ => false,
        }
    }

    /// Whether it is a message.
    pub(super) fn exists(&self) -> bool {
        Self { reported: true, ..*self }.is_message()
    }
}

/// What people decided about a row: it concerns all its claims up to that number.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) send_again: u32,
    pub(super) what_became: u32,
}
