//! What happens to sends, whichever API they come through: the draws of `behaviour`, the throttle, and serial numbers.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use fastrand::Rng;

use super::behaviour::{Behaviour, SendDraw};
use super::message_id::{MAX_PACE_MS, SimulatedMessage};
use super::throttle::Throttle;
use crate::model::Millis;

/// Draws what happens to each send of one provider.
pub(super) struct Sends {
    pub(super) behaviour: Behaviour,
    state: Mutex<SendState>,
}

/// What each send changes.
struct SendState {
    rng: Rng,
    throttle: Option<Throttle>,
    serial: u64,
}

impl Sends {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        let rng = if behaviour.seed == 0 { Rng::new() } else { Rng::with_seed(behaviour.seed) };
        let throttle = behaviour.throttle.map(Throttle::new);
        // Not from the seed: the ids of two simulators with the same seed must differ.
        let serial = Rng::new().u64(..);
        Self { behaviour, state: Mutex::new(SendState { rng, throttle, serial }) }
    }

    /// Draws what happens to a send and its serial number; `None` if the throttle refuses it.
    pub(super) fn admit(&self) -> Option<(SendDraw, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.throttle.as_mut().is_some_and(|throttle| !throttle.admit(Instant::now())) {
            return None;
        }
        state.serial = state.serial.wrapping_add(1);
        Some((self.behaviour.draw_send(&mut state.rng), state.serial))
    }

    /// Returns an accepted message.
    pub(super) fn message(&self, draw: &SendDraw, serial: u64) -> SimulatedMessage {
        let pace_ms = u64::try_from(self.behaviour.pace.as_millis()).unwrap_or(u64::MAX).min(MAX_PACE_MS);
        SimulatedMessage { accepted_at: Millis::now(), final_status: draw.final_status, pace_ms, serial }
    }
}
