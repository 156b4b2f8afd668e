//! Message ids that hold everything known about their message.
//!
//! The simulator stores no messages: even a process started later can read from the id when the message was accepted
//! and what its final status is. The ids look like the provider's: `wamid.` and base64 for WhatsApp, a UUID of
//! version 7 for Viber and RCS. A checksum tells them from ids made elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::{Channel, Millis};

/// The last status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinalStatus {
    /// It stays `sent`: it never reaches the recipient's device.
    Sent,
    /// It is delivered but never read.
    Delivered,
    /// It is delivered, then read.
    Read,
    /// It is sent, then fails.
    Failed,
}

impl FinalStatus {
    /// Decodes the lowest two bits and ignores the others.
    pub(super) fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Sent,
            1 => Self::Delivered,
            2 => Self::Read,
            _ => Self::Failed,
        }
    }

    /// Encodes it in two bits.
    pub(super) fn to_bits(self) -> u8 {
        self as u8
    }
}

/// The longest pace that fits into an id, in milliseconds.
pub(super) const MAX_PACE_MS: u64 = (1 << 20) - 1;

/// An accepted message, as its id describes it.
///
/// Encoded in 128 bits, highest first: time (48), UUID version (4), checksum (12), UUID variant (2), final status (2),
/// pace (20), serial number (40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SimulatedMessage {
    pub(super) accepted_at: Millis,
    pub(super) final_status: FinalStatus,
    /// Median time to delivery, capped at [`MAX_PACE_MS`].
    pub(super) pace_ms: u64,
    /// Distinguishes messages accepted in the same millisecond. Only the lowest 40 bits are encoded.
    pub(super) serial: u64,
}

const SERIAL_MASK: u128 = (1 << 40) - 1;
const VERSION_7: u128 = 0x7 << 76;
const VARIANT: u128 = 0b10 << 62;
const CHECKSUM_MASK: u128 = 0xfff << 64;

impl SimulatedMessage {
    /// Returns the message's id on `channel`.
    pub(super) fn id(&self, channel: Channel) -> String {
        match channel {
            Channel::Whatsapp => encode_wamid(self.bits()),
            Channel::Viber | Channel::Rcs => encode_uuid(self.bits()),
        }
    }

    /// Decodes an id; `None` if no simulator made it.
    pub(super) fn from_id(id: &str) -> Option<Self> {
        let bits = match id.strip_prefix("wamid.") {
            Some(text) => decode_wamid(text)?,
            None => decode_uuid(id)?,
        };
        let message = Self {
            accepted_at: Millis(i64::try_from(bits >> 80).ok()?),
            final_status: FinalStatus::from_bits((bits >> 60) as u8),
            pace_ms: (bits >> 40) as u64 & MAX_PACE_MS,
            serial: (bits & SERIAL_MASK) as u64,
        };
        // Compares all bits and the whole text, not only the checksum, so that each message has exactly one valid id.
        (message.bits() == bits && (id.len() == UUID_LENGTH || encode_wamid(bits) == id)).then_some(message)
    }

    fn bits(&self) -> u128 {
        let time = u128::from(self.accepted_at.0.max(0).unsigned_abs()) << 80;
        let final_status = u128::from(self.final_status.to_bits()) << 60;
        let pace = u128::from(self.pace_ms.min(MAX_PACE_MS)) << 40;
        let plain = time | VERSION_7 | VARIANT | final_status | pace | (u128::from(self.serial) & SERIAL_MASK);
        plain | (u128::from(scramble(plain)) << 64 & CHECKSUM_MASK)
    }

    /// Returns 64 bits that look random, always the same for the same message.
    pub(super) fn noise(&self) -> u64 {
        mix(scramble(self.bits()))
    }
}

/// The finalizer of SplitMix64: every bit of `x` affects every bit of the result.
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

fn encode_uuid(bits: u128) -> String {
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

fn decode_uuid(text: &str) -> Option<u128> {
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

/// The first bytes of the ids in the documents; `HBgL` in base64.
const WAMID_HEAD: [u8; 3] = [0x1c, 0x18, 0x0b];
/// Bytes of a WhatsApp id before base64. The text is as long as the documents' samples, and its padding forces a client
/// to percent-encode it.
const WAMID_BYTES: usize = 38;
/// Characters of a WhatsApp id after `wamid.`.
const WAMID_TEXT: usize = 52;

fn encode_wamid(bits: u128) -> String {
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

fn decode_wamid(text: &str) -> Option<u128> {
    let mut bytes = [0; WAMID_TEXT];
    if text.len() != WAMID_TEXT || STANDARD.decode_slice(text, &mut bytes).ok()? != WAMID_BYTES {
        return None;
    }
    bytes[3..19].try_into().ok().map(u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(rng: &mut fastrand::Rng) -> SimulatedMessage {
        SimulatedMessage {
            accepted_at: Millis(1_774_249_921_000 + rng.i64(0..1_000_000_000)),
            final_status: FinalStatus::from_bits(rng.u8(..)),
            pace_ms: rng.u64(0..=MAX_PACE_MS),
            serial: rng.u64(0..1 << 40),
        }
    }

    #[test]
    fn an_id_decodes_to_its_message() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..2_000 {
            let message = message(&mut rng);
            for channel in Channel::ALL {
                assert_eq!(SimulatedMessage::from_id(&message.id(channel)), Some(message));
            }
        }
    }

    #[test]
    fn ids_look_like_the_providers() {
        let mut rng = fastrand::Rng::with_seed(5);
        let ids: Vec<_> = (0..100).map(|_| message(&mut rng).id(Channel::Whatsapp)).collect();
        assert!(ids.iter().all(|id| id.starts_with("wamid.HBgL") && id.ends_with('=')), "{ids:?}");
        assert!(ids.iter().any(|id| id.contains('+')) && ids.iter().any(|id| id.contains('/')), "{ids:?}");

        let early = SimulatedMessage {
            accepted_at: Millis(0x0196_0000_0000),
            final_status: FinalStatus::Read,
            pace_ms: 2_000,
            serial: 1,
        };
        assert!(early.id(Channel::Rcs).starts_with("01960000-0000-7"), "{}", early.id(Channel::Rcs));
    }

    #[test]
    fn a_change_of_one_letter_makes_an_id_unknown() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut changed, mut known) = (0, 0);
        for _ in 0..200 {
            let message = message(&mut rng);
            for id in [message.id(Channel::Whatsapp), message.id(Channel::Viber)] {
                let mut bytes = id.clone().into_bytes();
                let at = rng.usize(0..bytes.len());
                bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                changed += 1;
                known += usize::from(SimulatedMessage::from_id(&String::from_utf8(bytes).unwrap()).is_some());
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
            assert_eq!(SimulatedMessage::from_id(id), None, "{id}");
        }
        let id = SimulatedMessage { accepted_at: Millis(1), final_status: FinalStatus::Read, pace_ms: 1, serial: 1 }
            .id(Channel::Viber);
        assert_eq!(SimulatedMessage::from_id(&id.to_uppercase()), None);
    }
}
