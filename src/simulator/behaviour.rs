//! How the simulated provider behaves: its latency, its faults, and the final statuses of the messages it accepts.
//!
//! Plain data, and the random draw for one send. Knows neither HTTP nor messages.

use std::io;
use std::time::Duration;

use fastrand::Rng;

use super::message_id::{FinalStatus, MAX_PACE_MS};

/// How the simulated provider behaves. Every fault is off by default.
///
/// A share is from 0 (never) to 1 (always).
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// How long each send waits for its answer. A message is accepted before the wait.
    pub latency: Duration,
    /// Share of sends refused with HTTP 500 and code 500.
    pub error_rate: f64,
    /// Share of sends that are accepted, and whose connection is then closed without an answer.
    pub drop_rate: f64,
    /// Share of sends that are accepted and never answered. The connection stays open until the client gives up, for at
    /// most [`Behaviour::MAX_HANG`].
    pub hang_rate: f64,
    /// Most sends within any one second; more are refused with HTTP 429, `Retry-After` and code 429. `None` means no
    /// limit; the documents give none.
    pub throttle: Option<u32>,
    /// Share of messages that the simulated Meta accepts but holds to assess their quality. A held message is released
    /// after one pace; one that would fail is dropped then, with code 132015. The other providers hold nothing.
    pub held: f64,
    /// How many messages with the same template the simulated Meta accepts before it pauses the template. It refuses
    /// further ones with code 132015. `None` means that no template is paused.
    pub paused_after: Option<u64>,
    /// Share of accepted messages that fail.
    pub failing: f64,
    /// Share of accepted messages that stay `sent` forever.
    pub stuck: f64,
    /// Share of accepted messages that are delivered but never read.
    pub unread: f64,
    /// Median time from acceptance to delivery. One message takes between a quarter and four times this long. Reading
    /// takes three times as long again. Capped at [`Behaviour::MAX_PACE`].
    pub pace: Duration,
    /// URL on this machine that receives webhooks with statuses and replies.
    pub webhook: Option<String>,
    /// Share of read messages to which the recipient replies, over the webhook.
    pub replies: f64,
    /// Seed of the random draws, so that a run can be repeated; 0 means a new one each time.
    pub seed: u64,
}

impl Behaviour {
    /// How long a send that is never answered keeps its connection open at most.
    pub const MAX_HANG: Duration = Duration::from_secs(300);

    /// The longest pace that fits into a message id, about 17 minutes.
    pub const MAX_PACE: Duration = Duration::from_millis(MAX_PACE_MS);

    /// Checks that every share is from 0 to 1, and so are the shares that exclude each other together.
    pub(super) fn validate(&self) -> io::Result<()> {
        let shares = [
            ("error_rate", self.error_rate),
            ("drop_rate", self.drop_rate),
            ("hang_rate", self.hang_rate),
            ("held", self.held),
            ("failing", self.failing),
            ("stuck", self.stuck),
            ("unread", self.unread),
            ("replies", self.replies),
            ("the sum of --drop-rate and --hang-rate", self.drop_rate + self.hang_rate),
            (
                "the sum of --failing, --unread and the 0.01 of all messages that stay `sent`",
                self.failing + self.stuck + self.unread,
            ),
        ];
        // Rounding can put a sum such as 0.7 + 0.2 + 0.1 just above 1.
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0 + 1e-9).contains(share)) {
            None => Ok(()),
            Some((name, share)) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("simulator: {name} is {}; it must be between 0 and 1", (share * 1e4).round() / 1e4),
            )),
        }
    }

    /// Draws what happens to one send. Always takes four random numbers, so that turning on one fault does not change
    /// what else the same seed draws for the n-th send.
    pub(super) fn draw_send(&self, rng: &mut Rng) -> SendDraw {
        let (error, lost, last, held) = (rng.f64(), rng.f64(), rng.f64(), rng.f64());
        SendDraw {
            is_error: error < self.error_rate,
            lost_response: match lost {
                u if u < self.drop_rate => Some(LostResponse::Dropped),
                u if u < self.drop_rate + self.hang_rate => Some(LostResponse::Hung),
                _ => None,
            },
            final_status: match last {
                u if u < self.failing => FinalStatus::Failed,
                u if u < self.failing + self.stuck => FinalStatus::Sent,
                u if u < self.failing + self.stuck + self.unread => FinalStatus::Delivered,
                _ => FinalStatus::Read,
            },
            is_held: held < self.held,
        }
    }
}

impl Default for Behaviour {
    /// No faults; 3% fail, 1% stay `sent`, 20% are never read; two seconds to delivery.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            error_rate: 0.0,
            drop_rate: 0.0,
            hang_rate: 0.0,
            throttle: None,
            held: 0.0,
            paused_after: None,
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
pub(super) struct SendDraw {
    /// Whether it is refused with code 500, whatever its content.
    pub(super) is_error: bool,
    /// How the response is lost, if the message is accepted.
    pub(super) lost_response: Option<LostResponse>,
    /// The last status of the message, if it is accepted.
    pub(super) final_status: FinalStatus,
    /// Whether Meta holds it to assess its quality, if it is accepted.
    pub(super) is_held: bool,
}

/// How the response to an accepted message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LostResponse {
    /// The connection closes.
    Dropped,
    /// The connection stays open without a response.
    Hung,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draws_match_the_shares() {
        let behaviour =
            Behaviour { error_rate: 0.1, drop_rate: 0.05, hang_rate: 0.02, held: 0.3, ..Behaviour::default() };
        let mut rng = Rng::with_seed(7);
        let draws: Vec<SendDraw> = (0..100_000).map(|_| behaviour.draw_send(&mut rng)).collect();
        let share = |f: fn(&SendDraw) -> bool| draws.iter().filter(|draw| f(draw)).count() as f64 / 100_000.0;
        for (expected, found) in [
            (0.1, share(|draw| draw.is_error)),
            (0.05, share(|draw| draw.lost_response == Some(LostResponse::Dropped))),
            (0.02, share(|draw| draw.lost_response == Some(LostResponse::Hung))),
            (0.03, share(|draw| draw.final_status == FinalStatus::Failed)),
            (0.01, share(|draw| draw.final_status == FinalStatus::Sent)),
            (0.2, share(|draw| draw.final_status == FinalStatus::Delivered)),
            (0.76, share(|draw| draw.final_status == FinalStatus::Read)),
            (0.3, share(|draw| draw.is_held)),
        ] {
            assert!((expected - found).abs() < 0.005, "{expected} expected, {found} drawn");
        }
    }

    #[test]
    fn turning_on_a_fault_changes_no_other_draw() {
        let final_statuses = |behaviour: Behaviour| {
            let mut rng = Rng::with_seed(3);
            (0..100).map(|_| behaviour.draw_send(&mut rng).final_status).collect::<Vec<_>>()
        };
        assert_eq!(
            final_statuses(Behaviour::default()),
            final_statuses(Behaviour { error_rate: 0.5, drop_rate: 0.5, held: 0.5, ..Behaviour::default() })
        );
    }

    #[test]
    fn a_number_that_is_no_share_is_refused_by_name() {
        for behaviour in [
            Behaviour { error_rate: 1.5, ..Behaviour::default() },
            Behaviour { error_rate: -0.1, ..Behaviour::default() },
            Behaviour { error_rate: f64::NAN, ..Behaviour::default() },
        ] {
            assert!(behaviour.validate().unwrap_err().to_string().contains("error_rate"));
        }
        assert!(Behaviour { failing: 0.7, stuck: 0.2, unread: 0.1, ..Behaviour::default() }.validate().is_ok());
        assert!(Behaviour { failing: 0.7, stuck: 0.2, unread: 0.2, ..Behaviour::default() }.validate().is_err());
    }
}
