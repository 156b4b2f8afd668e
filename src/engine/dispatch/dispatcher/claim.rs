//! Claims of the loop: a reservation of the rate for each permit, then the rows that use them.

use std::time::Duration;

use tokio::time::Instant;

use super::{Dispatcher, LINGER, LONGEST_WAIT, LOOK_EVERY};
use crate::engine::dispatch::eligibility::Eligible;
use crate::engine::dispatch::sender::{self, Departure};
use crate::engine::error::EngineError;

/// Maximum number of rows claimed in one step.
pub(super) const MAX_CLAIMS: usize = 256;
/// How long free permits wait for others, while more than one in [`GATHERED`] is taken.
const GATHER: Duration = Duration::from_millis(1);
const GATHERED: usize = 8;
/// How often rows are claimed, at most, while the rate is the bottleneck: a step costs a server about as much as
/// recording 50 outcomes.
const CLAIM_EVERY: Duration = Duration::from_millis(40);
impl Dispatcher {
    /// Waits for a reservation. Returns `false` if something else happened first.
    pub(super) async fn wait_for_reservation(&mut self) -> bool {
        if let Some(at) = self.claim_again.take() {
            self.wait_to_claim_again(at).await;
            return false;
        }
        if !self.reserved.is_empty() {
            return true;
        }
        let context = self.context.clone();
        let job = &*context.job;
        let mut reserving = self.reserving.take().unwrap_or_else(|| {
            let job = context.job.clone();
            Box::pin(async move { job.limiter.reserve().await })
        });
        let linger = self.linger();
        let mut is_reserved = false;
        let mut is_late = false;
        tokio::select! {
            biased;
            () = job.stop.sending_ended() => {}
            () = job.stop.until_paused() => {}
            () = job.limiter.paused_beyond(LONGEST_WAIT) => {}
            reservation = &mut reserving => {
                self.reserved.push(reservation);
                is_reserved = true;
            }
            ended = self.endings.recv() => ended.into_iter().for_each(|ended| self.ended(ended)),
            () = linger => is_late = true,
        }
        if !is_reserved {
            // The wait is kept: restarting it would restart its delay too.
            self.reserving = Some(reserving);
        }
        if is_late {
            self.record_or_fail().await;
        }
        is_reserved && !job.stop.is_paused()
    }

    /// Waits until more of the account's rate is free, which other processes have used up.
    async fn wait_to_claim_again(&mut self, at: Instant) {
        let linger = self.linger();
        let is_late = tokio::select! {
            biased;
            () = self.context.job.stop.sending_ended() => false,
            ended = self.endings.recv() => {
                ended.into_iter().for_each(|ended| self.ended(ended));
                self.claim_again = Some(at);
                false
            }
            () = linger => {
                self.claim_again = Some(at);
                true
            }
            () = tokio::time::sleep_until(at.min(Instant::now() + LOOK_EVERY)) => false,
        };
        if is_late {
            self.record_or_fail().await;
        }
    }

    /// Gives up the place in the line for reservations, where every request of the account waits for the first.
    pub(super) fn leave_line(&mut self) {
        self.reserving = None;
        self.reserved.clear();
    }

    /// Claims as many rows as there are permits and reservations, and starts their senders.
    pub(super) async fn claim(&mut self, is_due: bool) -> Result<(), EngineError> {
        // Lets finished requests report first, so that this step can use their permits.
        tokio::task::yield_now().await;
        self.take_endings();
        let mut permits = self.reserve();
        if self.reserved.len() >= permits {
            self.gather().await;
            permits = self.reserve();
        } else if let Some(rest) = self.claimed_at.and_then(|at| self.claim_every(permits).checked_sub(at.elapsed())) {
            tokio::time::sleep(rest).await;
            self.take_endings();
            permits = self.reserve();
        }
        self.claimed_at = Some(Instant::now());
        let want = permits.min(self.reserved.len());
        if is_due && self.context.eligibility.is_timed() && self.defer(want).await? {
            return Ok(());
        }
        let advanced = self.advance(want).await?;
        let claimed = advanced.attempts.len();
        let mut slots = advanced.slots.into_iter();
        for attempt in advanced.attempts {
            let Some(reservation) = self.reserved.pop() else { break };
            let departure = Departure { reservation, slot: slots.next() };
            self.in_flight.insert(attempt.claim.key, attempt.claim);
            tokio::spawn(sender::send(self.context.clone(), attempt, departure, self.ended.clone()));
        }
        self.claim_again = advanced.claim_again;
        // Unused reservations expire: each is for its own time.
        self.reserved.clear();
        if advanced.is_held {
            // Gives the pause or cancellation time to reach this process.
            tokio::time::sleep(LINGER).await;
        } else if is_due || (claimed < want && self.claim_again.is_none()) {
            self.look().await?;
        }
        Ok(())
    }

    /// Returns how long after one claim the next one follows: less than [`CLAIM_EVERY`] if half of the free permits are
    /// used before, because a permit that waits is lost.
    fn claim_every(&self, permits: usize) -> Duration {
        let (requests, per) = self.job().limiter.rate();
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        CLAIM_EVERY.min(per.saturating_mul(permits) / requests.get().saturating_mul(2))
    }

    /// Returns how many rows may be claimed now: the free requests in flight, limited by the quota. A finished request
    /// is no longer in flight, but counts against the quota.
    pub(super) fn permits(&self) -> usize {
        let in_flight = self.in_flight.len();
        let quota = self.context.eligibility.room(self.job().clock.now(), in_flight as u64);
        let permits = self.context.limit().saturating_sub(in_flight).min(MAX_CLAIMS);
        permits.min(usize::try_from(quota).unwrap_or(usize::MAX))
    }

    /// Takes the reservations available now, up to the number of free permits. Returns how many there are.
    fn reserve(&mut self) -> usize {
        let permits = self.permits();
        while self.reserved.len() < permits
            && let Some(reservation) = self.job().limiter.try_reserve()
        {
            self.reserved.push(reservation);
        }
        permits
    }

    /// If permits are the bottleneck, waits a moment for requests about to finish, so that they share a commit: the
    /// commit is the most expensive part of a step.
    async fn gather(&mut self) {
        let until = tokio::time::sleep(GATHER);
        tokio::pin!(until);
        while self.in_flight.len() > self.context.limit() / GATHERED {
            tokio::select! {
                biased;
                ended = self.endings.recv() => ended.into_iter().for_each(|ended| self.ended(ended)),
                () = &mut until => return,
            }
        }
    }

    /// Defers those of the next due rows that may not be sent now. Returns `true` if there were any.
    pub(super) async fn defer(&mut self, want: usize) -> Result<bool, EngineError> {
        let job = self.job();
        let limit = u32::try_from(want).unwrap_or(u32::MAX);
        let now = job.clock.now();
        let rows = job.store.due_rows(self.owner, self.limit_is_used_up, now, limit).await?;
        let mut deferrals = Vec::new();
        for row in &rows {
            if let Eligible::Deferred(deferral) = self.context.eligibility.of_waiting_row(row, now)? {
                deferrals.push(deferral);
            }
        }
        if deferrals.is_empty() {
            return Ok(false);
        }
        self.step.deferrals = deferrals;
        self.advance(0).await?;
        self.look().await?;
        Ok(true)
    }
}
