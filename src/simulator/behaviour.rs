//! How the simulated provider behaves: its speed, its faults, and what becomes of the messages it accepts.
//!
//! Plain data and the draw of one send's lot. It knows neither HTTP nor what a message looks like.

use std::io;
use std::time::Duration;

use fastrand::Rng;

use super::message_id::End;

/// How the simulated provider behaves. Every fault is off by default.
///
/// A share is a number from 0 (never) to 1 (always).
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// How long each send waits for its answer. What is accepted is accepted before the wait.
    pub latency: Duration,
    /// Share of sends refused with HTTP 500 and code 500. Such a message is not accepted.
    pub error_rate: f64,
    /// Share of sends accepted, and then the connection is closed without a byte of answer.
    pub drop_rate: f64,
    /// Share of sends accepted and never answered. The connection is held until the client gives up, at most
    /// [`Behaviour::HELD`].
    pub hang_rate: f64,
    /// Sends that any second may hold; those above are refused with HTTP 429, `Retry-After` and code 429.
    /// `None` lets every send through. The documents name no limit.
    pub throttle: Option<u32>,
    /// Share of accepted messages that end as failed.
    pub failing: f64,
    /// Share of accepted messages that stay sent for ever.
    pub stuck: f64,
    /// Share of accepted messages that are delivered and never read.
    pub unread: f64,
    /// The median time from accepted to delivered; a single message takes a quarter of it to four times as
    /// much, and reading takes three times as long again. Above [`Behaviour::LONGEST_PACE`] it counts as that.
    pub pace: Duration,
    /// Where to call back with statuses and replies: a URL of this machine. Nobody is called where there is none.
    pub webhook: Option<String>,
    /// Share of the messages read that are answered, over the webhook.
    pub replies: f64,
    /// Where the draws start, so that a run can be repeated; 0 starts somewhere else each time.
    pub seed: u64,
}

impl Behaviour {
    /// The longest that a send which is never answered holds its connection.
    pub const HELD: Duration = Duration::from_secs(300);

    /// The longest pace, about 17 minutes: what a message id has room for.
    pub const LONGEST_PACE: Duration = Duration::from_millis(super::message_id::PACE_LIMIT);

    /// Whether every share is one.
    pub(super) fn check(&self) -> io::Result<()> {
        let shares = [
            ("error_rate", self.error_rate),
            ("drop_rate", self.drop_rate),
            ("hang_rate", self.hang_rate),
            ("failing", self.failing),
            ("stuck", self.stuck),
            ("unread", self.unread),
            ("replies", self.replies),
            ("drop_rate and hang_rate together", self.drop_rate + self.hang_rate),
            ("failing, stuck and unread together", self.failing + self.stuck + self.unread),
        ];
        // Sums of shares such as 0.7 + 0.2 + 0.1 may come out a hair above 1.
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0 + 1e-9).contains(share)) {
            None => Ok(()),
            Some((name, share)) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("simulator: {name} is {share}, but a share is a number from 0 to 1"),
            )),
        }
    }

    /// Draws what happens to one send. The number of draws is always the same, so that with one seed the n-th
    /// send keeps its lot when another fault is turned on.
    pub(super) fn draw(&self, rng: &mut Rng) -> Lot {
        let (error, loss, end) = (rng.f64(), rng.f64(), rng.f64());
        Lot {
            error: error < self.error_rate,
            loss: match loss {
                u if u < self.drop_rate => Some(Loss::Dropped),
                u if u < self.drop_rate + self.hang_rate => Some(Loss::Hung),
                _ => None,
            },
            end: match end {
                u if u < self.failing => End::Failed,
                u if u < self.failing + self.stuck => End::Sent,
                u if u < self.failing + self.stuck + self.unread => End::Delivered,
                _ => End::Read,
            },
        }
    }
}

impl Default for Behaviour {
    /// No faults; 3 % fail, 1 % stay sent, 20 % are never read; two seconds to delivered.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            error_rate: 0.0,
            drop_rate: 0.0,
            hang_rate: 0.0,
            throttle: None,
            failing: 0.03,
            stuck: 0.01,
            unread: 0.2,
            pace: Duration::from_secs(2),
            webhook: None,
            replies: 0.2,
            seed: 0,
        }
    }
}

/// What was drawn for one send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lot {
    /// Refused with code 500, whatever it is.
    pub(super) error: bool,
    /// Accepted, and the answer lost.
    pub(super) loss: Option<Loss>,
    /// What becomes of the message if it is accepted.
    pub(super) end: End,
}

/// The ways in which an answer gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The connection is closed.
    Dropped,
    /// The connection stays open and silent.
    Hung,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_as_asked() {
        let behaviour = Behaviour { error_rate: 0.1, drop_rate: 0.05, hang_rate: 0.02, ..Behaviour::default() };
        let mut rng = Rng::with_seed(7);
        let lots: Vec<Lot> = (0..100_000).map(|_| behaviour.draw(&mut rng)).collect();
        let share = |f: fn(&Lot) -> bool| lots.iter().filter(|lot| f(lot)).count() as f64 / 100_000.0;
        for (expected, found) in [
            (0.1, share(|lot| lot.error)),
            (0.05, share(|lot| lot.loss == Some(Loss::Dropped))),
            (0.02, share(|lot| lot.loss == Some(Loss::Hung))),
            (0.03, share(|lot| lot.end == End::Failed)),
            (0.01, share(|lot| lot.end == End::Sent)),
            (0.2, share(|lot| lot.end == End::Delivered)),
            (0.76, share(|lot| lot.end == End::Read)),
        ] {
            assert!((expected - found).abs() < 0.005, "{expected} asked, {found} drawn");
        }
    }

    #[test]
    fn a_fault_turned_on_leaves_the_other_lots_alone() {
        let ends = |behaviour: Behaviour| {
            let mut rng = Rng::with_seed(3);
            (0..100).map(|_| behaviour.draw(&mut rng).end).collect::<Vec<_>>()
        };
        assert_eq!(
            ends(Behaviour::default()),
            ends(Behaviour { error_rate: 0.5, drop_rate: 0.5, ..Behaviour::default() })
        );
    }

    #[test]
    fn what_is_not_a_share_is_refused_by_name() {
        for behaviour in [
            Behaviour { error_rate: 1.5, ..Behaviour::default() },
            Behaviour { error_rate: -0.1, ..Behaviour::default() },
            Behaviour { error_rate: f64::NAN, ..Behaviour::default() },
        ] {
            assert!(behaviour.check().unwrap_err().to_string().contains("error_rate"));
        }
        assert!(Behaviour { failing: 0.7, stuck: 0.2, unread: 0.1, ..Behaviour::default() }.check().is_ok());
        assert!(Behaviour { failing: 0.7, stuck: 0.2, unread: 0.2, ..Behaviour::default() }.check().is_err());
    }
}
