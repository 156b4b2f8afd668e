//! Message ids that carry all there is to know about their message.
//!
//! The simulator keeps no messages: a process started later reads from the id when the message was accepted and
//! what becomes of it. On the outside the ids look like the provider's: `wamid.` and base64 for WhatsApp, a UUID
//! of version 7 for Viber and RCS. An id that was not made here is known as such by its checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::{Channel, Millis};

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It stays sent: the recipient's device is never reached.
    Sent,
    /// It is delivered, and never read.
    Delivered,
    /// It is delivered, and then read.
    Read,
    /// It is sent, and then fails.
    Failed,
}

impl End {
    /// From two bits; those above are ignored.
    pub(super) fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Sent,
            1 => Self::Delivered,
            2 => Self::Read,
            _ => Self::Failed,
        }
    }

    /// As two bits.
    pub(super) fn to_bits(self) -> u8 {
        self as u8
    }
}

/// The largest pace an id has room for, in milliseconds.
pub(super) const PACE_LIMIT: u64 = (1 << 20) - 1;

/// What a message id carries.
///
/// As 128 bits, from the top: 48 of time, 4 of UUID version, 12 of checksum, 2 of UUID variant, 2 of end, 20 of
/// pace, 40 of serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// When the message was accepted.
    pub(super) accepted: Millis,
    /// What becomes of it.
    pub(super) end: End,
    /// The pace of its clock in milliseconds, at most [`PACE_LIMIT`].
    pub(super) pace: u64,
    /// Tells it from the others accepted in this millisecond. Only the lowest 40 bits are kept.
    pub(super) serial: u64,
}

const SERIAL: u128 = (1 << 40) - 1;
const VERSION_7: u128 = 0x7 << 76;
const VARIANT: u128 = 0b10 << 62;
const CHECKSUM: u128 = 0xfff << 64;

impl Ticket {
    /// The message's id on `channel`.
    pub(super) fn id(&self, channel: Channel) -> String {
        match channel {
            Channel::Whatsapp => wamid(self.bits()),
            Channel::Viber | Channel::Rcs => uuid(self.bits()),
        }
    }

    /// Reads an id; `None` if it was not made by a simulator.
    pub(super) fn read(id: &str) -> Option<Self> {
        let bits = match id.strip_prefix("wamid.") {
            Some(text) => wamid_bits(text)?,
            None => uuid_bits(id)?,
        };
        let ticket = Self {
            accepted: Millis(i64::try_from(bits >> 80).ok()?),
            end: End::from_bits((bits >> 60) as u8),
            pace: (bits >> 40) as u64 & PACE_LIMIT,
            serial: (bits & SERIAL) as u64,
        };
        // Comparing all that was written, and not the checksum alone, leaves one spelling to each id.
        (ticket.bits() == bits && (id.len() == UUID_LENGTH || wamid(bits) == id)).then_some(ticket)
    }

    fn bits(&self) -> u128 {
        let time = u128::from(self.accepted.0.max(0).unsigned_abs()) << 80;
        let end = u128::from(self.end.to_bits()) << 60;
        let pace = u128::from(self.pace.min(PACE_LIMIT)) << 40;
        let plain = time | VERSION_7 | VARIANT | end | pace | (u128::from(self.serial) & SERIAL);
        plain | (u128::from(scramble(plain)) << 64 & CHECKSUM)
    }

    /// 64 bits that look random, the same for the same message always.
    pub(super) fn noise(&self) -> u64 {
        mix(scramble(self.bits()))
    }
}

/// The finisher of SplitMix64: spreads every bit of `x` over all of the result.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn scramble(bits: u128) -> u64 {
    mix(mix((bits >> 64) as u64) ^ bits as u64)
}

const UUID_LENGTH: usize = 36;
const DASHES: [usize; 4] = [8, 13, 18, 23];

fn uuid(bits: u128) -> String {
    let mut rest = bits;
    (0..UUID_LENGTH)
        .map(|at| {
            if DASHES.contains(&at) {
                return '-';
            }
            rest = rest.rotate_left(4);
            char::from(b"0123456789abcdef"[(rest & 0xf) as usize])
        })
        .collect()
}

fn uuid_bits(text: &str) -> Option<u128> {
    if text.len() != UUID_LENGTH {
        return None;
    }
    text.bytes().enumerate().try_fold(0_u128, |bits, (at, byte)| match (DASHES.contains(&at), byte) {
        (true, b'-') => Some(bits),
        (false, b'0'..=b'9') => Some(bits << 4 | u128::from(byte - b'0')),
        (false, b'a'..=b'f') => Some(bits << 4 | u128::from(byte - b'a' + 10)),
        _ => None,
    })
}

/// The bytes with which the documents' own ids begin; in base64, `HBgL`.
const WAMID_HEAD: [u8; 3] = [0x1c, 0x18, 0x0b];
/// Length of a WhatsApp id's bytes. As text they have the length of the documents' samples, and the padding that
/// makes a client percent-encode them.
const WAMID_BYTES: usize = 38;
const WAMID_TEXT: usize = 52;

fn wamid(bits: u128) -> String {
    let mut bytes = [0; WAMID_BYTES];
    bytes[..3].copy_from_slice(&WAMID_HEAD);
    bytes[3..19].copy_from_slice(&bits.to_be_bytes());
    let mut filler = scramble(bits);
    for chunk in bytes[19..].chunks_mut(8) {
        filler = mix(filler);
        chunk.copy_from_slice(&filler.to_be_bytes()[..chunk.len()]);
    }
    let mut id = String::with_capacity("wamid.".len() + WAMID_TEXT);
    id.push_str("wamid.");
    STANDARD.encode_string(bytes, &mut id);
    id
}

fn wamid_bits(text: &str) -> Option<u128> {
    let mut bytes = [0; WAMID_TEXT];
    if text.len() != WAMID_TEXT || STANDARD.decode_slice(text, &mut bytes).ok()? != WAMID_BYTES {
        return None;
    }
    bytes[3..19].try_into().ok().map(u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(rng: &mut fastrand::Rng) -> Ticket {
        Ticket {
            accepted: Millis(1_774_249_921_000 + rng.i64(0..1_000_000_000)),
            end: End::from_bits(rng.u8(..)),
            pace: rng.u64(0..=PACE_LIMIT),
            serial: rng.u64(0..1 << 40),
        }
    }

    #[test]
    fn an_id_gives_back_what_it_was_made_from() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..2_000 {
            let ticket = ticket(&mut rng);
            for channel in Channel::ALL {
                assert_eq!(Ticket::read(&ticket.id(channel)), Some(ticket));
            }
        }
    }

    #[test]
    fn ids_look_like_the_providers() {
        let mut rng = fastrand::Rng::with_seed(5);
        let ids: Vec<_> = (0..100).map(|_| ticket(&mut rng).id(Channel::Whatsapp)).collect();
        assert!(ids.iter().all(|id| id.starts_with("wamid.HBgL") && id.ends_with('=')), "{ids:?}");
        assert!(ids.iter().any(|id| id.contains('+')) && ids.iter().any(|id| id.contains('/')), "{ids:?}");

        let early = Ticket { accepted: Millis(0x0196_0000_0000), end: End::Read, pace: 2_000, serial: 1 };
        assert!(early.id(Channel::Rcs).starts_with("01960000-0000-7"), "{}", early.id(Channel::Rcs));
    }

    #[test]
    fn a_change_of_one_letter_makes_an_id_unknown() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut changed, mut known) = (0, 0);
        for _ in 0..200 {
            let ticket = ticket(&mut rng);
            for id in [ticket.id(Channel::Whatsapp), ticket.id(Channel::Viber)] {
                let mut bytes = id.clone().into_bytes();
                let at = rng.usize(0..bytes.len());
                bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                changed += 1;
                known += usize::from(Ticket::read(&String::from_utf8(bytes).unwrap()).is_some());
            }
        }
        assert!(known <= 1, "{known} of {changed} changed ids were taken for real ones");
    }

    #[test]
    fn foreign_and_garbled_ids_are_unknown() {
        for id in [
            "",
            "wamid.",
            "wamid.HBgLODUyNjg0MTUwMjYVAgARGBIyMUQ4RjA5MTY1NUJERjE3NjYA",
            "02cda2a2-2cb2-3c47-861c-ab91f5c9872e",
            "019b8d8e-c4e7-73fe-b333-470c51e61f9f",
            "019b8d8e-c4e7-73fe-b333-470c51e61f9é",
            "wamid.ééééééééééééééééééééééééééééééééééééééééééééééééé",
        ] {
            assert_eq!(Ticket::read(id), None, "{id}");
        }
        let id = Ticket { accepted: Millis(1), end: End::Read, pace: 1, serial: 1 }.id(Channel::Viber);
        assert_eq!(Ticket::read(&id.to_uppercase()), None);
    }
}
