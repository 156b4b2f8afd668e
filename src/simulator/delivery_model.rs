//! What becomes of an accepted message: a pure function of its id and the time.
//!
//! Nothing is drawn here. The draw was made when the message was accepted and is in its id, so that any simulator
//! gives the same answer, whatever its own behaviour.

use super::message_id::{End, Ticket};
use crate::model::Millis;

/// An entry of a status answer. The times are Unix seconds, 0 where nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) word: &'static str,
    pub(super) created_at: i64,
    pub(super) delivered_at: i64,
    pub(super) read_at: i64,
}

/// Reading takes this many times as long as delivering.
const READING: u64 = 3;

impl Ticket {
    /// When it is delivered or fails, and when it is read, where that is its end.
    fn times(&self) -> (i64, i64) {
        let noise = self.noise();
        let settled = self.accepted.0.saturating_add(self.span(noise));
        (settled, settled.saturating_add(self.span(noise >> 16).saturating_mul(READING.cast_signed())))
    }

    /// Every change of its status with its time, in order.
    pub(super) fn changes(&self) -> Vec<(Millis, &'static str)> {
        let (settled, read) = self.times();
        let mut changes = vec![(self.accepted, "sent")];
        match self.end {
            End::Sent => {}
            End::Delivered => changes.push((Millis(settled), "delivered")),
            End::Read => changes.extend([(Millis(settled), "delivered"), (Millis(read), "read")]),
            End::Failed => changes.push((Millis(settled), "failed")),
        }
        changes
    }

    /// The message's status at `now`.
    pub(super) fn status_at(&self, now: Millis) -> Status {
        let (settled, read) = self.times();
        // In the documents' samples some read messages have no delivery time: "read" overwrote it. One in four.
        let overwritten = (self.noise() >> 32) & 0b11 == 0;

        let seconds = |at: i64| at.div_euclid(1000);
        let status =
            |word, delivered_at, read_at| Status { word, created_at: seconds(self.accepted.0), delivered_at, read_at };
        match self.end {
            End::Read if now.0 >= read => status("read", if overwritten { 0 } else { seconds(settled) }, seconds(read)),
            End::Read | End::Delivered if now.0 >= settled => status("delivered", seconds(settled), 0),
            End::Failed if now.0 >= settled => status("failed", 0, 0),
            _ => status("sent", 0, 0),
        }
    }

    /// A quarter of the pace to four times the pace in milliseconds, half of the messages on either side of one:
    /// two bits of `noise` choose the octave and eight the place in it.
    fn span(&self, noise: u64) -> i64 {
        let octave = noise & 0b11;
        let place = 256 + ((noise >> 2) & 0xff);
        ((self.pace * (place << octave)) >> 10).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Channel;

    const START: i64 = 1_774_249_921_500;
    const PACE: i64 = 2_000;

    fn tickets(end: End) -> impl Iterator<Item = Ticket> {
        (0..2_000).map(move |serial| Ticket { accepted: Millis(START), end, pace: PACE as u64, serial })
    }

    /// No sooner and no later than this are the last changes of a message.
    const EARLIEST: i64 = PACE / 4;
    const LATEST: i64 = 4 * PACE + 12 * PACE;

    #[test]
    fn a_message_only_moves_forward_and_its_times_are_in_order() {
        let rank = |word| ["sent", "delivered", "read"].iter().position(|&w| w == word).unwrap();
        for ticket in tickets(End::Read) {
            let mut last = 0;
            for at in (0..=LATEST).step_by(250) {
                let now = Millis(START + at);
                let status = ticket.status_at(now);
                assert!(rank(status.word) >= last, "went back to {}", status.word);
                last = rank(status.word);
                assert_eq!(status.created_at, START / 1000);
                for time in [status.delivered_at, status.read_at] {
                    assert!(time == 0 || (status.created_at..=now.0 / 1000).contains(&time));
                }
                assert!(status.read_at == 0 || status.delivered_at <= status.read_at);
                assert_eq!(status.read_at > 0, status.word == "read");
                assert!(status.delivered_at > 0 || status.word != "delivered");
            }
            assert_eq!(ticket.status_at(Millis(START + LATEST)).word, "read");
        }
    }

    #[test]
    fn every_end_is_reached_and_stays() {
        for (end, word) in
            [(End::Sent, "sent"), (End::Delivered, "delivered"), (End::Read, "read"), (End::Failed, "failed")]
        {
            for ticket in tickets(end).take(100) {
                assert_eq!(ticket.status_at(Millis(START + EARLIEST - 1)).word, "sent");
                assert_eq!(ticket.status_at(Millis(START + LATEST)).word, word);
                assert_eq!(ticket.status_at(Millis(i64::MAX)).word, word);
                assert_eq!(End::from_bits(end.to_bits()), end);
            }
        }
    }

    #[test]
    fn half_of_the_messages_are_delivered_within_the_pace() {
        let within = tickets(End::Delivered).filter(|t| t.status_at(Millis(START + PACE)).word == "delivered").count();
        assert!((900..1_100).contains(&within), "{within} of 2000");
    }

    #[test]
    fn one_read_message_in_four_has_no_delivery_time() {
        let without = tickets(End::Read).filter(|t| t.status_at(Millis(i64::MAX)).delivered_at == 0).count();
        assert!((400..600).contains(&without), "{without} of 2000");
    }

    #[test]
    fn a_clock_that_went_back_finds_the_message_sent() {
        let ticket = tickets(End::Read).next().unwrap();
        assert_eq!(ticket.status_at(Millis(0)).word, "sent");
        assert_eq!(ticket.status_at(Millis(i64::MIN)).word, "sent");
    }

    #[test]
    fn every_change_is_the_status_from_its_time_on() {
        for end in [End::Sent, End::Delivered, End::Read, End::Failed] {
            for ticket in tickets(end).take(100) {
                let changes = ticket.changes();
                assert!(changes.is_sorted_by_key(|(at, _)| at.0));
                for (at, word) in changes {
                    assert_eq!(ticket.status_at(at).word, word);
                    assert!(word == "sent" || ticket.status_at(Millis(at.0 - 1)).word != word);
                }
            }
        }
    }

    #[test]
    fn the_status_needs_nothing_but_the_id() {
        for ticket in tickets(End::Read).take(50) {
            let copy = Ticket::read(&ticket.id(Channel::Whatsapp)).unwrap();
            for at in (0..LATEST).step_by(500) {
                assert_eq!(copy.status_at(Millis(START + at)), ticket.status_at(Millis(START + at)));
            }
        }
    }
}
