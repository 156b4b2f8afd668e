//! The rate of one account: governor spreads requests evenly, and a sliding window makes the rate strict.
//!
//! Governor alone (GCRA) lets the rate plus its burst through in one window. The window alone would send a second's
//! worth of requests in one burst.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter as Governor};
use tokio::sync::watch;
use tokio::time::Instant;

use super::circuit_breaker::{CircuitBreaker, Reservation};
use super::sliding_window::SlidingWindow;
use crate::model::Rate;

type Pacer = Governor<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// Runs governor on the runtime's clock, so tests can stop time.
#[derive(Clone, Copy, Debug, Default)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

/// Limits the requests of one provider account.
///
/// 1. [`reserve`](RateLimiter::reserve) spreads requests evenly.
/// 2. [`admit`](RateLimiter::admit) is called last, with a connection in hand. It makes the rate strict: no window of
///    the rate's length ever holds more requests than the rate, whatever delayed them after their reservation.
/// 3. [`reached`](RateLimiter::reached) or [`unreachable`](RateLimiter::unreachable) reports whether there was a
///    connection.
#[derive(Debug)]
pub struct RateLimiter {
    state: Mutex<Limits>,
    /// Callers wait in the order in which they ask, so sends and polls do not starve each other.
    reserving: tokio::sync::Mutex<()>,
    admitting: tokio::sync::Mutex<()>,
    /// Wakes the first caller of `reserve` when the rate or the circuit breaker changes.
    reserve_again: tokio::sync::Notify,
    /// Wakes the first caller of `admit` when the rate changes.
    admit_again: tokio::sync::Notify,
    /// When the last pause that the provider asked for ends.
    paused_until: watch::Sender<Option<Instant>>,
}

#[derive(Debug)]
struct Limits {
    rate: NonZeroU32,
    per: Duration,
    pacer: Pacer,
    window: SlidingWindow,
    /// The share of the rate in use; 1 unless the provider throttled.
    share: f64,
    /// When `share` last changed.
    changed_at: Instant,
    breaker: CircuitBreaker,
}

/// The effect of a throttle answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowed {
    /// Requests per second from now on, until the rate recovers.
    pub rate: f64,
    /// How long no request is made.
    pub pause: Duration,
}

/// Throttle answers within this time count as one: their requests were in flight together.
const MIN_CUT_INTERVAL: Duration = Duration::from_secs(1);
/// How often the share recovers, and by how much.
const RECOVERY_STEP: (Duration, f64) = (Duration::from_secs(1), 0.05);
/// The shortest wait for a reservation. At 1,000 messages per second, 20 are reserved together and share a commit.
const GATHER: Duration = Duration::from_millis(20);
/// Governor's burst: longer than rows wait to be claimed together, so no reservation is lost.
const BURST: Duration = Duration::from_millis(80);
/// How long a request with a reservation waits to be admitted, at most. Nothing is reserved while it would take longer,
/// because the rate was lowered and many requests left at the higher one.
pub(crate) const LONGEST_ADMISSION: Duration = Duration::from_secs(1);
/// The lowest share of the rate that throttling can cause.
const MIN_SHARE: f64 = 0.02;

impl RateLimiter {
    /// Allows at most `rate` requests in any window of `per`.
    #[must_use]
    pub fn new(rate: NonZeroU32, per: Duration) -> Self {
        let state = Limits {
            rate,
            per,
            pacer: pacer(rate, per, 1.0),
            window: SlidingWindow::new(vec![(rate.get() as usize, per)]),
            share: 1.0,
            changed_at: Instant::now(),
            breaker: CircuitBreaker::default(),
        };
        Self {
            state: Mutex::new(state),
            reserving: Default::default(),
            admitting: Default::default(),
            reserve_again: Default::default(),
            admit_again: Default::default(),
            paused_until: watch::Sender::new(None),
        }
    }

    /// Returns the full rate, without throttling.
    #[must_use]
    pub fn rate(&self) -> (NonZeroU32, Duration) {
        let limits = self.limits();
        (limits.rate, limits.per)
    }

    /// Switches to the lowest of `rates`, and keeps each of them over its own length of time. Requests admitted before
    /// still count, and a throttled share stays. Without rates, nothing changes.
    pub(super) fn set_rates(&self, rates: &[Rate]) {
        let per_second = |(requests, per): &Rate| f64::from(requests.get()) / per.as_secs_f64();
        let lowest = rates.iter().min_by(|a, b| per_second(a).total_cmp(&per_second(b)));
        let Some((rate, per)) = lowest.copied() else { return };
        let mut limits = self.limits();
        limits.window.set(rates.iter().map(|(requests, per)| (requests.get() as usize, *per)).collect());
        if (limits.rate, limits.per) != (rate, per) {
            (limits.rate, limits.per) = (rate, per);
            limits.pacer = pacer(rate, per, limits.share);
        }
        drop(limits);
        self.reserve_again.notify_one();
        self.admit_again.notify_one();
    }

    /// Waits for the next reservation.
    pub async fn reserve(&self) -> Reservation {
        let _first_in_line = self.reserving.lock().await;
        loop {
            match self.reserve_now() {
                Ok(reservation) => return reservation,
                // Reservations that accumulate meanwhile are taken together and share a commit.
                Err(wait) => tokio::select! {
                    () = tokio::time::sleep(wait.max(GATHER)) => {}
                    () = self.reserve_again.notified() => {}
                },
            }
        }
    }

    /// Returns a reservation if there is one now and no one waits for it.
    #[must_use]
    pub fn try_reserve(&self) -> Option<Reservation> {
        let _first_in_line = self.reserving.try_lock().ok()?;
        self.reserve_now().ok()
    }

    /// Waits until one more request may leave. Call this last, right before the first byte. Returns false if the
    /// request must not leave, because the provider was found unreachable after the reservation.
    #[must_use]
    pub async fn admit(&self, reservation: Reservation) -> bool {
        let _first_in_line = self.admitting.lock().await;
        loop {
            match self.admit_now(reservation) {
                Ok(may_leave) => return may_leave,
                Err(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.admit_again.notified() => {}
                },
            }
        }
    }

    /// Does what [`admit`](RateLimiter::admit) does, but never waits: returns `None` instead.
    #[must_use]
    pub fn try_admit(&self, reservation: Reservation) -> Option<bool> {
        let _first_in_line = self.admitting.try_lock().ok()?;
        self.admit_now(reservation).ok()
    }

    /// Returns whether a request may leave, or how long to wait before asking again.
    fn admit_now(&self, reservation: Reservation) -> Result<bool, Duration> {
        let now = Instant::now();
        let mut limits = self.limits();
        if !limits.breaker.is_valid(reservation) {
            return Ok(false);
        }
        let wait = self.pause_beyond(Duration::ZERO).or_else(|| limits.window.admit(now));
        wait.map_or(Ok(true), Err)
    }

    /// Makes no request for this long, unless an earlier pause ends later. Returns when the pause ends.
    pub fn pause(&self, pause: Duration) -> Instant {
        let mut until = Instant::now() + pause;
        self.paused_until.send_if_modified(|known| {
            until = known.map_or(until, |known| known.max(until));
            known.replace(until) != Some(until)
        });
        until
    }

    /// Returns how long no request may be made, if that is longer than `limit`.
    #[must_use]
    pub fn pause_beyond(&self, limit: Duration) -> Option<Duration> {
        self.paused_until
            .borrow()
            .map(|until| until.saturating_duration_since(Instant::now()))
            .filter(|pause| *pause > limit)
    }

    /// Waits until no request may be made for longer than `limit`.
    pub async fn paused_beyond(&self, limit: Duration) {
        // The sender lives in `self`, so this cannot end because it was dropped.
        let is_long = |until: &Option<Instant>| until.is_some_and(|until| until > Instant::now() + limit);
        let _ = self.paused_until.subscribe().wait_for(is_long).await;
    }

    /// Halves the rate after a throttle answer, at most once per second, and pauses for as long as the provider asked.
    /// The rate recovers by a twentieth of the full rate per second.
    pub fn slow_down(&self, wait: Option<Duration>) -> Slowed {
        let now = Instant::now();
        let pause = wait.unwrap_or_default();
        let until = self.pause(pause);
        let mut limits = self.limits();
        if limits.share >= 1.0 || now.duration_since(limits.changed_at) >= MIN_CUT_INTERVAL {
            let share = (limits.share / 2.0).max(MIN_SHARE);
            limits.set_share(share, until);
        }
        Slowed { rate: f64::from(limits.rate.get()) / limits.per.as_secs_f64() * limits.share, pause }
    }

    /// Returns whether a reservation still counts: the provider was not found unreachable after it.
    #[must_use]
    pub fn is_valid(&self, reservation: Reservation) -> bool {
        self.limits().breaker.is_valid(reservation)
    }

    /// Records that no connection could be made for this request. Until one can be made, single requests probe the
    /// provider, with pauses of 1 s to 60 s. Returns the pause before the next one, if it is a new one.
    pub fn unreachable(&self, reservation: Reservation) -> Option<Duration> {
        let pause = self.limits().breaker.failed(reservation, Instant::now());
        if pause.is_some() {
            self.reserve_again.notify_one();
        }
        pause
    }

    /// Records that this request reached the provider. Returns true if that ends an outage.
    pub fn reached(&self, reservation: Reservation) -> bool {
        let has_ended = self.limits().breaker.reached(reservation);
        if has_ended {
            self.reserve_again.notify_one();
        }
        has_ended
    }

    fn reserve_now(&self) -> Result<Reservation, Duration> {
        let now = Instant::now();
        let mut limits = self.limits();
        if let Some(pause) = self.pause_beyond(Duration::ZERO) {
            return Err(pause);
        }
        if let Some(wait) = limits.breaker.wait(now) {
            return Err(wait);
        }
        if let Some(wait) = limits.window.wait(now).filter(|wait| *wait > LONGEST_ADMISSION) {
            return Err(wait);
        }
        limits.pacer.check().map_err(|not_yet| not_yet.wait_time_from(TokioClock.now()))?;
        // Only with a reservation in hand: a new pacer starts with its burst used up and would delay a waiting one.
        let steps = now.saturating_duration_since(limits.changed_at).as_secs() / RECOVERY_STEP.0.as_secs();
        if limits.share < 1.0 && steps > 0 {
            let share = (limits.share + RECOVERY_STEP.1 * steps as f64).min(1.0);
            limits.set_share(share, now);
        }
        Ok(limits.breaker.reserve(now))
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        // No code that holds the lock panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn set_share(&mut self, share: f64, changed_at: Instant) {
        self.share = share;
        self.changed_at = changed_at;
        self.pacer = pacer(self.rate, self.per, share);
    }
}

/// Spreads `share` of the rate evenly. The burst starts used up, so the first second is like every other.
fn pacer(rate: NonZeroU32, per: Duration, share: f64) -> Pacer {
    let per_second = f64::from(rate.get()) / per.as_secs_f64() * share;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded and positive by the clamp")]
    let burst = (per_second * BURST.as_secs_f64()).ceil().clamp(2.0, 100_000.0) as u32;
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let interval = Duration::from_secs_f64(1.0 / per_second).max(Duration::from_nanos(1));
    let quota = Quota::with_period(interval).unwrap_or_else(|| Quota::per_second(rate)).allow_burst(burst);
    let pacer = Governor::direct_with_clock(quota, TokioClock);
    // This asks for exactly the burst, so it cannot be refused.
    let _ = pacer.check_n(burst);
    pacer
}
