//! Pauses while the provider is unreachable. After each pause a single request probes it; each failure doubles the
//! pause. So a dead host gets one connection attempt per pause, however many requests may be in flight.

use std::time::Duration;

use tokio::time::Instant;

/// The right to make one request. It becomes void when the provider is found unreachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation(u64);

/// The first pause.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, and the longest time that others wait for a probe, which may be held up.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Whether the provider is reachable, and when to try again.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    /// Outages found so far. Reservations made before the last one are void.
    outages: u64,
    /// The current pause and its end; none while the provider is reachable.
    pause: Option<(Duration, Instant)>,
}

impl CircuitBreaker {
    /// Returns how long to wait for the next reservation, if there is none now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        self.pause.and_then(|(_, until)| until.checked_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// Returns a reservation. During an outage it is a probe, and others wait until its result is known.
    pub(super) fn reserve(&mut self, now: Instant) -> Reservation {
        if let Some((_, until)) = &mut self.pause {
            *until = now + MAX_PAUSE;
        }
        Reservation(self.outages)
    }

    /// Returns whether a reservation still counts.
    pub(super) fn is_valid(&self, reservation: Reservation) -> bool {
        reservation.0 == self.outages
    }

    /// Records that no connection could be made, and returns the pause. Returns `None` if another request that was in
    /// flight at the same time has reported the outage.
    pub(super) fn failed(&mut self, reservation: Reservation, now: Instant) -> Option<Duration> {
        if !self.is_valid(reservation) {
            return None;
        }
        let pause = self.pause.map_or(MIN_PAUSE, |(pause, _)| (pause * 2).min(MAX_PAUSE));
        self.outages += 1;
        self.pause = Some((pause, now + pause));
        Some(pause)
    }

    /// Records that the provider was reached. Returns true if that ends an outage.
    pub(super) fn reached(&mut self, reservation: Reservation) -> bool {
        self.is_valid(reservation) && self.pause.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_requests_in_flight_together_count_once_and_pauses_double() {
        let mut breaker = CircuitBreaker::default();
        let mut now = Instant::now();
        let together: Vec<Reservation> = (0..64).map(|_| breaker.reserve(now)).collect();
        let reported: Vec<Duration> = together.into_iter().filter_map(|one| breaker.failed(one, now)).collect();
        assert_eq!(reported, [MIN_PAUSE]);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            now += breaker.wait(now).unwrap();
            let probe = breaker.reserve(now);
            assert_eq!(breaker.wait(now), Some(MAX_PAUSE), "the others wait for this one");
            pauses.extend(breaker.failed(probe, now).map(|pause| pause.as_secs()));
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn only_an_answer_to_a_probe_ends_an_outage() {
        let mut breaker = CircuitBreaker::default();
        let now = Instant::now();
        let (first, second) = (breaker.reserve(now), breaker.reserve(now));
        breaker.failed(first, now);
        assert!(!breaker.is_valid(second) && !breaker.reached(second), "it was in flight before");
        let probe = breaker.reserve(now + MIN_PAUSE);
        assert!(breaker.reached(probe));
        assert_eq!(breaker.wait(now), None);
        assert!(breaker.is_valid(probe) && !breaker.reached(probe), "once");
    }

    #[test]
    fn a_probe_that_is_never_made_does_not_hold_others_up_for_ever() {
        let mut breaker = CircuitBreaker::default();
        let now = Instant::now();
        let reservation = breaker.reserve(now);
        breaker.failed(reservation, now);
        let _lost = breaker.reserve(now + MIN_PAUSE);
        assert_eq!(breaker.wait(now + MIN_PAUSE + MAX_PAUSE), None);
    }
}
