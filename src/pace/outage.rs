//! While the provider cannot be reached: one request at a time finds out whether it can be again, after pauses that
//! grow. However many requests may be in flight, a dead host sees one in so many seconds.

use std::time::Duration;

use tokio::time::Instant;

/// A turn at the account's pace. It holds as long as nothing was found out about the provider since it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn(u64);

/// The first pause. Each failure to connect behind it doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause. Also the longest time that everyone waits for the one that finds out: it may have been held up.
const LONGEST: Duration = Duration::from_secs(60);

/// What is known about the way to the provider.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// How often it was found out that there is no way; turns given before are void.
    found: u64,
    /// The pause there is, and when it is over; none while the provider can be reached.
    pause: Option<(Duration, Instant)>,
}

impl Outage {
    /// How long until the next turn may be given, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        self.pause.and_then(|(_, until)| until.checked_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// Gives a turn. In an outage nobody else gets one until it is known what came of this one.
    pub(super) fn turn(&mut self, now: Instant) -> Turn {
        if let Some((_, until)) = &mut self.pause {
            *until = now + LONGEST;
        }
        Turn(self.found)
    }

    /// Whether a turn still holds.
    pub(super) fn holds(&self, turn: Turn) -> bool {
        turn.0 == self.found
    }

    /// Takes note that no connection could be made; gives the pause, if that is news. It is none from requests that
    /// were under way together.
    pub(super) fn failed(&mut self, turn: Turn, now: Instant) -> Option<Duration> {
        if !self.holds(turn) {
            return None;
        }
        let pause = self.pause.map_or(FIRST, |(pause, _)| (pause * 2).min(LONGEST));
        self.found += 1;
        self.pause = Some((pause, now + pause));
        Some(pause)
    }

    /// Takes note that the provider was reached; true if that ends an outage.
    pub(super) fn reached(&mut self, turn: Turn) -> bool {
        self.holds(turn) && self.pause.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_requests_under_way_together_are_one_and_pauses_double() {
        let mut outage = Outage::default();
        let mut now = Instant::now();
        let together: Vec<Turn> = (0..64).map(|_| outage.turn(now)).collect();
        let told: Vec<Duration> = together.into_iter().filter_map(|turn| outage.failed(turn, now)).collect();
        assert_eq!(told, [FIRST]);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            now += outage.wait(now).unwrap();
            let turn = outage.turn(now);
            assert_eq!(outage.wait(now), Some(LONGEST), "the others wait for this one");
            pauses.extend(outage.failed(turn, now).map(|pause| pause.as_secs()));
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn only_an_answer_to_a_turn_of_the_outage_ends_it() {
        let mut outage = Outage::default();
        let now = Instant::now();
        let (first, second) = (outage.turn(now), outage.turn(now));
        outage.failed(first, now);
        assert!(!outage.holds(second) && !outage.reached(second), "it was under way before");
        let turn = outage.turn(now + FIRST);
        assert!(outage.reached(turn));
        assert_eq!(outage.wait(now), None);
        assert!(outage.holds(turn) && !outage.reached(turn), "once");
    }

    #[test]
    fn a_turn_that_is_never_used_holds_nobody_up_for_ever() {
        let mut outage = Outage::default();
        let now = Instant::now();
        let turn = outage.turn(now);
        outage.failed(turn, now);
        let _lost = outage.turn(now + FIRST);
        assert_eq!(outage.wait(now + FIRST + LONGEST), None);
    }
}
