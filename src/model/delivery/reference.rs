//! The reference of one attempt, which some providers return with every status of its message.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::model::RowNumber;
use crate::text::hex;

/// Names the run, the row and the claim of one attempt. It holds nothing personal, because everyone who receives the
/// account's webhooks can read it. Written as `c1.RUN.ROW.CLAIM.MAC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The run's key in the store.
    pub run: i64,
    /// The row.
    pub row: RowNumber,
    /// The number of the row's claim.
    pub claim: u32,
    mac: [u8; MAC_BYTES],
}

/// Bytes of the MAC: enough against guessing, because each guess takes a signed webhook.
const MAC_BYTES: usize = 12;
/// The version of the format.
const VERSION: &str = "c1";

impl Reference {
    /// Reads a reference; `None` for any other text, such as the reference of another program.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        if next()? != VERSION {
            return None;
        }
        let (run, row, claim) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
        let digits = next()?.as_bytes();
        let mut mac = [0; MAC_BYTES];
        if digits.len() != 2 * MAC_BYTES || parts.next().is_some() {
            return None;
        }
        for (byte, pair) in mac.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let reference = Self { run, row: RowNumber(row), claim, mac };
        // One spelling only: no leading zeros, signs or upper case.
        (reference.to_string() == text).then_some(reference)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", signed_part(self.run, self.row, self.claim), hex(&self.mac))
    }
}

fn signed_part(run: i64, row: RowNumber, claim: u32) -> String {
    format!("{VERSION}.{run}.{}.{claim}.", row.0)
}

/// The secret under which a worker signs the references of its attempts. It is stored with the worker, so that a copy
/// of a store, whose workers have other secrets, never takes the references of the original for its own.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferenceKey(Vec<u8>);

impl ReferenceKey {
    /// Returns the key with these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the reference of an attempt.
    #[must_use]
    pub fn sign(&self, run: i64, row: RowNumber, claim: u32) -> Reference {
        let mut mac = [0; MAC_BYTES];
        if let Some(full) = self.mac(run, row, claim) {
            mac.copy_from_slice(&full.finalize().into_bytes()[..MAC_BYTES]);
        }
        Reference { run, row, claim, mac }
    }

    /// Whether this key signed the reference. Takes the same time for every reference.
    #[must_use]
    pub fn has_signed(&self, reference: &Reference) -> bool {
        let Reference { run, row, claim, mac } = reference;
        self.mac(*run, *row, *claim).is_some_and(|full| full.verify_truncated_left(mac).is_ok())
    }

    /// `None` never happens: HMAC takes a key of any length.
    fn mac(&self, run: i64, row: RowNumber, claim: u32) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(signed_part(run, row, claim).as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for ReferenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_written_and_only_its_own_key_has_signed_it() {
        let (ours, theirs) = (ReferenceKey::new(vec![1; 16]), ReferenceKey::new(vec![2; 16]));
        let reference = ours.sign(3, RowNumber(70_000), 2);
        let text = reference.to_string();
        assert!(text.starts_with("c1.3.70000.2.") && text.len() < 512, "{text}");
        let read = Reference::parse(&text).unwrap();
        assert_eq!(read, reference);
        assert!(ours.has_signed(&read));
        assert!(!theirs.has_signed(&read));
        assert!(!ours.has_signed(&Reference { row: RowNumber(70_001), ..read }));
        assert!(!ours.has_signed(&Reference { claim: 1, ..read }));
        assert!(!ours.has_signed(&Reference { run: 4, ..read }));
    }

    #[test]
    fn other_texts_are_no_references() {
        let text = ReferenceKey::new(vec![1; 16]).sign(3, RowNumber(7), 1).to_string();
        let upper = text.to_uppercase();
        for other in [
            "",
            "c1",
            "order-4711",
            "c1.3.7.1",
            "c1.3.7.1.",
            "c1.x.7.1.00112233445566778899aabb",
            "c1.3.7.1.zz",
            "c2.3.7.1.00112233445566778899aabb",
            "c1.03.7.1.00112233445566778899aabb",
            "c1.3.7.1.00112233445566778899aabb.x",
            "c1.3.7.-1.00112233445566778899aabb",
            upper.as_str(),
        ] {
            assert_eq!(Reference::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_key_does_not_print() {
        assert_eq!(format!("{:?}", ReferenceKey::new(vec![65; 16])), "ReferenceKey(…)");
    }
}
