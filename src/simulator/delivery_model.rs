//! The status of an accepted message at any time: a pure function of its id and the time.
//!
//! Draws no random numbers. The draw was made on acceptance and is part of the id, so every simulator reports the same
//! status, whatever its own behaviour.

use super::message_id::{FinalStatus, SimulatedMessage};
use crate::model::Millis;

/// The status of a message at one time. The times are Unix seconds, or 0 if not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageStatus {
    pub(super) status: &'static str,
    pub(super) created_at: i64,
    pub(super) delivered_at: i64,
    pub(super) read_at: i64,
}

/// Reading takes this many times as long as delivery.
const READING_FACTOR: i64 = 3;

impl SimulatedMessage {
    /// Returns when it is delivered or fails, and when it would be read.
    fn settled_and_read_at(&self) -> (Millis, Millis) {
        let noise = self.noise();
        let settled_at = self.accepted_at.0.saturating_add(self.duration_ms(noise));
        let reading = self.duration_ms(noise >> 16).saturating_mul(READING_FACTOR);
        (Millis(settled_at), Millis(settled_at.saturating_add(reading)))
    }

    /// Returns every change of its status and when it happens, in order.
    pub(super) fn status_changes(&self) -> Vec<(Millis, &'static str)> {
        let (settled_at, read_at) = self.settled_and_read_at();
        let mut changes = vec![(self.accepted_at, "sent")];
        match self.final_status {
            FinalStatus::Sent => {}
            FinalStatus::Delivered => changes.push((settled_at, "delivered")),
            FinalStatus::Read => changes.extend([(settled_at, "delivered"), (read_at, "read")]),
            FinalStatus::Failed => changes.push((settled_at, "failed")),
        }
        changes
    }

    /// Returns the message's status at `now`.
    pub(super) fn status_at(&self, now: Millis) -> MessageStatus {
        let (settled_at, read_at) = self.settled_and_read_at();
        // In the documents' samples, some read messages have no delivery time. Here it is one in four.
        let lacks_delivery_time = (self.noise() >> 32) & 0b11 == 0;

        let seconds = |at: Millis| at.0.div_euclid(1000);
        let created_at = seconds(self.accepted_at);
        let status = |status, delivered_at, read_at| MessageStatus { status, created_at, delivered_at, read_at };
        match self.final_status {
            FinalStatus::Read if now >= read_at && lacks_delivery_time => status("read", 0, seconds(read_at)),
            FinalStatus::Read if now >= read_at => status("read", seconds(settled_at), seconds(read_at)),
            FinalStatus::Read | FinalStatus::Delivered if now >= settled_at => {
                status("delivered", seconds(settled_at), 0)
            }
            FinalStatus::Failed if now >= settled_at => status("failed", 0, 0),
            _ => status("sent", 0, 0),
        }
    }

    /// Returns a time from a quarter of the pace to four times the pace, with the pace as its median. Two bits of
    /// `noise` choose the power of two, eight choose the position between it and the next.
    fn duration_ms(&self, noise: u64) -> i64 {
        let exponent = noise & 0b11;
        let position = 256 + ((noise >> 2) & 0xff);
        ((self.pace_ms * (position << exponent)) >> 10).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Channel;

    const START: i64 = 1_774_249_921_500;
    const PACE: i64 = 2_000;

    fn messages(final_status: FinalStatus) -> impl Iterator<Item = SimulatedMessage> {
        (0..2_000).map(move |serial| SimulatedMessage {
            accepted_at: Millis(START),
            final_status,
            pace_ms: PACE as u64,
            serial,
        })
    }

    /// The last change of a message comes between these, in milliseconds after its acceptance.
    const EARLIEST: i64 = PACE / 4;
    const LATEST: i64 = 4 * PACE + 12 * PACE;

    #[test]
    fn a_message_only_moves_forward_and_its_times_are_in_order() {
        let rank = |status| ["sent", "delivered", "read"].iter().position(|&other| other == status).unwrap();
        for message in messages(FinalStatus::Read) {
            let mut last = 0;
            for at in (0..=LATEST).step_by(250) {
                let now = Millis(START + at);
                let status = message.status_at(now);
                assert!(rank(status.status) >= last, "went back to {}", status.status);
                last = rank(status.status);
                assert_eq!(status.created_at, START / 1000);
                for time in [status.delivered_at, status.read_at] {
                    assert!(time == 0 || (status.created_at..=now.0 / 1000).contains(&time));
                }
                assert!(status.read_at == 0 || status.delivered_at <= status.read_at);
                assert_eq!(status.read_at > 0, status.status == "read");
                assert!(status.delivered_at > 0 || status.status != "delivered");
            }
            assert_eq!(message.status_at(Millis(START + LATEST)).status, "read");
        }
    }

    #[test]
    fn every_final_status_is_reached_and_stays() {
        for (final_status, word) in [
            (FinalStatus::Sent, "sent"),
            (FinalStatus::Delivered, "delivered"),
            (FinalStatus::Read, "read"),
            (FinalStatus::Failed, "failed"),
        ] {
            for message in messages(final_status).take(100) {
                assert_eq!(message.status_at(Millis(START + EARLIEST - 1)).status, "sent");
                assert_eq!(message.status_at(Millis(START + LATEST)).status, word);
                assert_eq!(message.status_at(Millis(i64::MAX)).status, word);
                assert_eq!(FinalStatus::from_bits(final_status.to_bits()), final_status);
            }
        }
    }

    #[test]
    fn half_of_the_messages_are_delivered_within_the_pace() {
        let within = messages(FinalStatus::Delivered)
            .filter(|message| message.status_at(Millis(START + PACE)).status == "delivered")
            .count();
        assert!((900..1_100).contains(&within), "{within} of 2000");
    }

    #[test]
    fn one_read_message_in_four_has_no_delivery_time() {
        let without =
            messages(FinalStatus::Read).filter(|message| message.status_at(Millis(i64::MAX)).delivered_at == 0).count();
        assert!((400..600).contains(&without), "{without} of 2000");
    }

    #[test]
    fn a_message_is_sent_before_it_was_accepted() {
        let message = messages(FinalStatus::Read).next().unwrap();
        assert_eq!(message.status_at(Millis(0)).status, "sent");
        assert_eq!(message.status_at(Millis(i64::MIN)).status, "sent");
    }

    #[test]
    fn a_status_change_applies_from_its_time_on() {
        for final_status in [FinalStatus::Sent, FinalStatus::Delivered, FinalStatus::Read, FinalStatus::Failed] {
            for message in messages(final_status).take(100) {
                let changes = message.status_changes();
                assert!(changes.is_sorted_by_key(|(at, _)| at.0));
                for (at, status) in changes {
                    assert_eq!(message.status_at(at).status, status);
                    assert!(status == "sent" || message.status_at(Millis(at.0 - 1)).status != status);
                }
            }
        }
    }

    #[test]
    fn the_status_depends_on_the_id_alone() {
        for message in messages(FinalStatus::Read).take(50) {
            let copy = SimulatedMessage::from_id(&message.id(Channel::Whatsapp)).unwrap();
            for at in (0..LATEST).step_by(500) {
                assert_eq!(copy.status_at(Millis(START + at)), message.status_at(Millis(START + at)));
            }
        }
    }
}
