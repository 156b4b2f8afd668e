//! How fast: the account's rate, what the provider asks to slow down, and how long until another try.
//!
//! Every request, retries and polls among them, takes a turn here. This room knows time and numbers; it must not know
//! what is being sent or where rows are kept.

mod outage;
mod retry;
mod share;
mod window;

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::watch;
use tokio::time::Instant;

use outage::Outage;
pub use outage::Turn;
pub use retry::{FREE_PAUSES, RetryPolicy, put_off};
pub use share::{Account, Share, Side};
use window::Window;

/// Requests, and the length of time that they are meant for.
type Rate = (NonZeroU32, Duration);

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// Governor on the runtime's clock, so that tests can stop time.
#[derive(Clone, Copy, Debug, Default)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

/// One provider account's pace.
///
/// A request waits for its [`turn`](Pace::turn), which spreads requests evenly, and passes
/// [`depart`](Pace::depart) at the very moment it leaves, with a connection in hand, which makes the rate strict: whatever
/// held requests up in between, no window of the rate's length ever holds more than the rate. Whether the provider was
/// [`reached`](Pace::reached) or [`not`](Pace::unreachable) is told afterwards.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<Limits>,
    /// Whoever waits for a turn or a departure waits in line: sends and polls get theirs in the order of asking, and
    /// neither starves the other.
    turns: tokio::sync::Mutex<()>,
    departures: tokio::sync::Mutex<()>,
    /// Wakes whoever is first in line for a turn when it is known whether the provider can be reached, or the rate is
    /// another.
    found_out: tokio::sync::Notify,
    /// Wakes whoever is first in line for a departure when the rate is another.
    other_rate: tokio::sync::Notify,
    /// When the pause ends that the provider asked for last.
    paused_until: watch::Sender<Option<Instant>>,
}

#[derive(Debug)]
struct Limits {
    rate: NonZeroU32,
    per: Duration,
    limiter: Limiter,
    window: Window,
    /// The share of the rate in use: 1 unless the provider asked to slow down.
    share: f64,
    /// When the share last changed.
    changed: Instant,
    outage: Outage,
}

/// What became of a request to slow down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowed {
    /// Requests a second from now on, until it recovers.
    pub rate: f64,
    /// How long no request is made at all.
    pub pause: Duration,
}

/// Throttle answers of requests that were in flight together count as one.
const ONE_CUT_PER: Duration = Duration::from_secs(1);
/// How often, and by which share of the full rate, the pace recovers.
const RECOVERY_STEP: (Duration, f64) = (Duration::from_secs(1), 0.05);
/// The shortest wait for a turn: at 1000 messages a second twenty leave together, which costs a twentieth of the syncs.
/// The limiter's burst holds twice as much, so that no turn is lost by it.
const GATHER: Duration = Duration::from_millis(20);
/// The least share of the rate that throttling can bring about.
const LEAST_SHARE: f64 = 0.02;

impl Pace {
    /// At most `rate` requests in any `per`.
    #[must_use]
    pub fn new(rate: NonZeroU32, per: Duration) -> Self {
        let state = Limits {
            rate,
            per,
            limiter: limiter(rate, per, 1.0),
            window: Window::new(vec![(rate.get() as usize, per)]),
            share: 1.0,
            changed: Instant::now(),
            outage: Outage::default(),
        };
        Self {
            state: Mutex::new(state),
            turns: Default::default(),
            departures: Default::default(),
            found_out: Default::default(),
            other_rate: Default::default(),
            paused_until: watch::Sender::new(None),
        }
    }

    /// The rate: requests, and in what time.
    #[must_use]
    pub fn rate(&self) -> (NonZeroU32, Duration) {
        let limits = self.limits();
        (limits.rate, limits.per)
    }

    /// Switches to the lowest of these rates, and keeps each of them over its own length of time; what left already
    /// counts. Stays as it is where there are none. A share that throttling left stays as it is.
    fn set_rates(&self, rates: &[Rate]) {
        let a_second = |(requests, per): &Rate| f64::from(requests.get()) / per.as_secs_f64();
        let lowest = rates.iter().min_by(|a, b| a_second(a).total_cmp(&a_second(b)));
        let Some((rate, per)) = lowest.copied() else { return };
        let mut limits = self.limits();
        limits.window.set(rates.iter().map(|(requests, per)| (requests.get() as usize, *per)).collect());
        if (limits.rate, limits.per) != (rate, per) {
            (limits.rate, limits.per) = (rate, per);
            limits.limiter = limiter(rate, per, limits.share);
        }
        drop(limits);
        self.found_out.notify_one();
        self.other_rate.notify_one();
    }

    /// Waits for the next turn.
    pub async fn turn(&self) -> Turn {
        let _first_in_line = self.turns.lock().await;
        loop {
            match self.take_turn() {
                Ok(turn) => return turn,
                // What accumulates meanwhile is taken together, and shares a commit.
                Err(wait) => tokio::select! {
                    () = tokio::time::sleep(wait.max(GATHER)) => {}
                    () = self.found_out.notified() => {}
                },
            }
        }
    }

    /// Takes a turn if there is one right now and nobody waits for it.
    #[must_use]
    pub fn try_turn(&self) -> Option<Turn> {
        let _first_in_line = self.turns.try_lock().ok()?;
        self.take_turn().ok()
    }

    /// Waits until one more request may leave. To be called as the last thing before it does. False if it may not,
    /// because the provider was found unreachable since the turn was given.
    #[must_use]
    pub async fn depart(&self, turn: Turn) -> bool {
        let _first_in_line = self.departures.lock().await;
        loop {
            match self.leave(turn) {
                Ok(may_leave) => return may_leave,
                Err(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.other_rate.notified() => {}
                },
            }
        }
    }

    /// As [`depart`](Pace::depart) where nobody needs to wait; `None` where somebody does.
    #[must_use]
    pub fn try_depart(&self, turn: Turn) -> Option<bool> {
        let _first_in_line = self.departures.try_lock().ok()?;
        self.leave(turn).ok()
    }

    /// Whether a request may leave, or how long until that is known.
    fn leave(&self, turn: Turn) -> Result<bool, Duration> {
        let now = Instant::now();
        let mut limits = self.limits();
        if !limits.outage.holds(turn) {
            return Ok(false);
        }
        let wait = self.pause_beyond(Duration::ZERO).or_else(|| limits.window.enter(now));
        wait.map_or(Ok(true), Err)
    }

    /// Makes no request for this long; a pause that ends later stands. Gives the end.
    pub fn pause(&self, pause: Duration) -> Instant {
        let mut until = Instant::now() + pause;
        self.paused_until.send_if_modified(|known| {
            until = known.map_or(until, |known| known.max(until));
            known.replace(until) != Some(until)
        });
        until
    }

    /// How long no request may be made, where that is longer than `limit`.
    #[must_use]
    pub fn pause_beyond(&self, limit: Duration) -> Option<Duration> {
        self.paused_until
            .borrow()
            .map(|until| until.saturating_duration_since(Instant::now()))
            .filter(|pause| *pause > limit)
    }

    /// Waits until no request may be made for longer than `limit`.
    pub async fn paused_beyond(&self, limit: Duration) {
        // The sender lives in `self`, so this cannot end by its loss.
        let is_long = |until: &Option<Instant>| until.is_some_and(|until| until > Instant::now() + limit);
        let _ = self.paused_until.subscribe().wait_for(is_long).await;
    }

    /// Slows down because the provider asked for it, for as long as it asked, where it did. Only ever slows down:
    /// the rate is halved, at most once a second, and comes back by a twentieth of the full rate each second.
    pub fn slow_down(&self, wait: Option<Duration>) -> Slowed {
        let now = Instant::now();
        let pause = wait.unwrap_or_default();
        let until = self.pause(pause);
        let mut limits = self.limits();
        if limits.share >= 1.0 || now.duration_since(limits.changed) >= ONE_CUT_PER {
            let share = (limits.share / 2.0).max(LEAST_SHARE);
            limits.set_share(share, until);
        }
        Slowed { rate: f64::from(limits.rate.get()) / limits.per.as_secs_f64() * limits.share, pause }
    }

    /// Whether the provider was not found unreachable since this turn was given, as far as is known.
    #[must_use]
    pub fn holds(&self, turn: Turn) -> bool {
        self.limits().outage.holds(turn)
    }

    /// Takes note that no connection could be made for the request with this turn. Until one can be made, single requests
    /// find out, with pauses of 1 s to 60 s. Gives the pause until the next one, where that is news.
    pub fn unreachable(&self, turn: Turn) -> Option<Duration> {
        let pause = self.limits().outage.failed(turn, Instant::now());
        if pause.is_some() {
            self.found_out.notify_one();
        }
        pause
    }

    /// Takes note that the request with this turn reached the provider; true if it could not be reached before.
    pub fn reached(&self, turn: Turn) -> bool {
        let again = self.limits().outage.reached(turn);
        if again {
            self.found_out.notify_one();
        }
        again
    }

    fn take_turn(&self) -> Result<Turn, Duration> {
        let now = Instant::now();
        let mut limits = self.limits();
        if let Some(pause) = self.pause_beyond(Duration::ZERO) {
            return Err(pause);
        }
        if let Some(wait) = limits.outage.wait(now) {
            return Err(wait);
        }
        limits.limiter.check().map_err(|not_yet| not_yet.wait_time_from(TokioClock.now()))?;
        // Only with a turn in hand: a new limiter begins with its burst used up, and would put a waiting turn off.
        let steps = now.saturating_duration_since(limits.changed).as_secs() / RECOVERY_STEP.0.as_secs();
        if limits.share < 1.0 && steps > 0 {
            let share = (limits.share + RECOVERY_STEP.1 * steps as f64).min(1.0);
            limits.set_share(share, now);
        }
        Ok(limits.outage.turn(now))
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        // Nothing that holds the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn set_share(&mut self, share: f64, changed: Instant) {
        self.share = share;
        self.changed = changed;
        self.limiter = limiter(self.rate, self.per, share);
    }
}

/// A limiter that gives `share` of the rate, evenly. Its burst is what twice [`GATHER`] brings, and starts used up,
/// so that the first second is like every other.
fn limiter(rate: NonZeroU32, per: Duration, share: f64) -> Limiter {
    let per_second = f64::from(rate.get()) / per.as_secs_f64() * share;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded and positive by the clamp")]
    let burst = (per_second * 2.0 * GATHER.as_secs_f64()).ceil().clamp(2.0, 100_000.0) as u32;
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let interval = Duration::from_secs_f64(1.0 / per_second).max(Duration::from_nanos(1));
    let quota = Quota::with_period(interval).unwrap_or_else(|| Quota::per_second(rate)).allow_burst(burst);
    let limiter = RateLimiter::direct_with_clock(quota, TokioClock);
    // The burst is never larger than itself, so this cannot be refused.
    let _ = limiter.check_n(burst);
    limiter
}

#[cfg(test)]
mod tests;
