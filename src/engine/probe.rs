//! The probe: how carefully a process begins to send.
//!
//! Whether the provider knows the account and takes the message is known with the first answer, and what was sent
//! before it cannot be called back. So the number of requests in flight grows with what is known. Only counts; what is
//! known is decided by the halt rule.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Passes for requests in flight, fewer or more of them with each answer.
#[derive(Debug)]
pub(super) struct Probe {
    passes: Arc<Semaphore>,
    /// Passes there are, those in use among them.
    open: Mutex<usize>,
}

/// What a request in flight holds beside its slot.
pub(super) type Pass = OwnedSemaphorePermit;

impl Probe {
    /// With so many passes.
    pub(super) fn new(open: usize) -> Self {
        Self { passes: Arc::new(Semaphore::new(open)), open: Mutex::new(open) }
    }

    /// Waits for a pass. `None` never happens: the passes live as long as this.
    pub(super) async fn enter(&self) -> Option<Pass> {
        self.passes.clone().acquire_owned().await.ok()
    }

    /// A pass, if there is one right now.
    pub(super) fn try_enter(&self) -> Option<Pass> {
        self.passes.clone().try_acquire_owned().ok()
    }

    /// Gives a pass back; from now on there are to be `open` of them. Where there are more, one is taken out of use
    /// with each that comes back.
    pub(super) fn leave(&self, pass: Pass, open: usize) {
        let mut now = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if *now > open {
            pass.forget();
            *now -= 1;
        } else {
            self.passes.add_permits(open - *now);
            *now = open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_grow_at_once_and_shrink_as_they_come_back() {
        let probe = Probe::new(1);
        let first = probe.try_enter().unwrap();
        assert!(probe.try_enter().is_none());
        probe.leave(first, 3);
        let mut passes: Vec<Pass> = std::iter::from_fn(|| probe.try_enter()).collect();
        assert_eq!(passes.len(), 3);
        // Two come back, and with each of them one pass fewer is to be there.
        probe.leave(passes.pop().unwrap(), 2);
        assert!(probe.try_enter().is_none());
        probe.leave(passes.pop().unwrap(), 1);
        assert!(probe.try_enter().is_none(), "the last pass is still in use");
        // One that was not used comes back as it is.
        drop(passes);
        assert_eq!(std::iter::from_fn(|| probe.try_enter()).map(drop).take(2).count(), 2, "one, again and again");
    }
}
