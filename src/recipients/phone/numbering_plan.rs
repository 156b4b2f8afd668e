//! How many digits follow each country code: the part of the numbering plans that every number is checked against.
//!
//! Read from rlibphonenumber once, as bit masks. Asking the library for each number would compile and keep the regular
//! expressions of every country: 24 MiB for a list that mixes all country codes.

use rlibphonenumber::{NumberLengthType, PhoneNumber, PhoneNumberType, PhoneNumberUtil};

use crate::model::Lengths;

/// The kinds of numbers that can have a messaging account. The many lengths of other kinds (freephone, premium rate,
/// company numbers) would let a national number pass as a foreign one.
const KINDS: [PhoneNumberType; 2] = [PhoneNumberType::FixedLineOrMobile, PhoneNumberType::VoIP];

/// Country codes whose numbers may start with 0 after the code. Everywhere else, a 0 there is the national prefix, as
/// in `+44 (0)7911 123456`, or a mistake.
const KEEPS_ZERO: [u16; 15] = [39, 225, 226, 227, 229, 241, 242, 250, 378, 676, 687, 800, 881, 888, 992];

/// Country codes whose national prefix is 0, in order. Elsewhere a leading 0 comes from another country. The library
/// does not expose its prefixes; a test compares these with its behaviour.
const PREFIX_ZERO: [u16; 103] = [
    20, 27, 31, 32, 33, 40, 41, 43, 44, 46, 49, 51, 53, 54, 55, 57, 58, 60, 61, 62, 63, 64, 66, 81, 82, 84, 86, 90, 91,
    92, 93, 94, 95, 98, 211, 212, 213, 218, 231, 232, 233, 234, 243, 249, 250, 251, 252, 254, 255, 256, 260, 261, 262,
    263, 264, 265, 291, 353, 355, 358, 359, 370, 373, 374, 377, 380, 381, 382, 383, 385, 386, 387, 389, 421, 423, 508,
    590, 591, 593, 594, 595, 596, 598, 686, 850, 855, 856, 880, 886, 961, 962, 963, 964, 966, 967, 970, 971, 972, 976,
    977, 994, 995, 996,
];

/// The lengths of national numbers by country code.
pub(in crate::recipients) struct Plans {
    /// By country code: bit `n` is set if `n` digits may follow the code. Zero means that the code does not exist.
    lengths: Vec<u32>,
}

impl Plans {
    pub(in crate::recipients) fn new(library: &PhoneNumberUtil) -> Self {
        let mut lengths = vec![0; 1000];
        for code in library.get_supported_calling_codes() {
            let mask = |kind| lengths_of(library, code, kind);
            let reachable = KINDS.into_iter().map(mask).fold(0, |all, some| all | some);
            // Shared-cost numbers and the like have their own codes, without numbers of the kinds above.
            let any = if reachable == 0 { mask(PhoneNumberType::Unknown) } else { reachable };
            if let Some(slot) = usize::try_from(code).ok().and_then(|code| lengths.get_mut(code)) {
                *slot = any;
            }
        }
        Self { lengths }
    }

    /// Returns the country code that these digits start with.
    pub(in crate::recipients) fn code_of(&self, digits: &str) -> Option<Code> {
        (1..=3).find_map(|length| {
            let code: u16 = digits.get(..length)?.parse().ok()?;
            let lengths = self.lengths.get(usize::from(code)).copied().filter(|lengths| *lengths != 0)?;
            Some(Code { code, length, lengths })
        })
    }
}

impl Plans {
    /// Returns the length of the country code of a number with this many digits; 0 if there is none.
    pub(super) fn code_length(&self, number: u64, digits: u32) -> u32 {
        let start = number / 10_u64.pow(digits.saturating_sub(3));
        let exists = |code: u64| {
            usize::try_from(code).is_ok_and(|code| self.lengths.get(code).is_some_and(|lengths| *lengths != 0))
        };
        match start {
            _ if exists(start / 100) => 1,
            _ if exists(start / 10) => 2,
            _ if exists(start) => 3,
            _ => 0,
        }
    }
}

/// A country code that exists.
#[derive(Clone, Copy)]
pub(in crate::recipients) struct Code {
    /// The code itself.
    pub(in crate::recipients) code: u16,
    /// How many digits it has.
    pub(in crate::recipients) length: usize,
    lengths: u32,
}

impl Code {
    /// Whether this many digits may follow the code.
    pub(in crate::recipients) fn allows(self, digits: usize) -> bool {
        digits < 32 && self.lengths & (1 << digits) != 0
    }

    /// Whether a 0 after the code is part of the number.
    pub(in crate::recipients) fn keeps_zero(self) -> bool {
        KEEPS_ZERO.contains(&self.code)
    }

    /// Returns the national prefix, which is dialled only within the country; empty if there is none.
    pub(in crate::recipients) fn national_prefix(self) -> &'static str {
        match self.code {
            1 | 692 => "1",
            7 | 375 | 993 => "8",
            36 => "06",
            code if PREFIX_ZERO.binary_search(&code).is_ok() => "0",
            _ => "",
        }
    }

    /// Returns the number without a national prefix that was written after the country code. Prefixes other than 0
    /// change the length, so they need no handling here. But Hungary's 06 without only its 0 would be someone else's
    /// number.
    pub(in crate::recipients) fn without_prefix(self, number: &str) -> Option<&str> {
        let prefix = Some(self.national_prefix()).filter(|prefix| prefix.starts_with('0'))?;
        let shorter = number.strip_prefix(prefix).filter(|shorter| self.allows(shorter.len()))?;
        (!(self.keeps_zero() && self.allows(number.len()))).then_some(shorter)
    }

    /// Returns the lengths.
    pub(in crate::recipients) fn lengths(self) -> Lengths {
        Lengths(self.lengths)
    }
}

/// Returns the lengths of one kind of number, without those that only work within a town.
fn lengths_of(library: &PhoneNumberUtil, country_code: i32, kind: PhoneNumberType) -> u32 {
    // A number with this many digits; only their count matters. ITU-T E.164 allows 14 after the shortest code.
    let example = |digits: u32| PhoneNumber { country_code, national_number: 10_u64.pow(digits - 1), ..<_>::default() };
    (1..=14)
        .filter(|&digits| {
            let verdict = library.is_possible_number_for_type_with_reason(&example(digits), kind);
            matches!(verdict, Ok(NumberLengthType::IsPossible))
        })
        .fold(0, |mask, digits| mask | 1 << digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_words() {
        let plans = Plans::new(&PhoneNumberUtil::new().unwrap());
        let words = |digits: &str| plans.code_of(digits).map(|code| code.lengths().words());
        assert_eq!(words("852").as_deref(), Some("8"));
        assert_eq!(words("44").as_deref(), Some("9 or 10"));
        assert_eq!(words("43").as_deref(), Some("4 to 13"));
        assert_eq!(words("53").as_deref(), Some("6, 7, 8 or 10"));
        assert_eq!(words("800").as_deref(), Some("8"));
        assert_eq!(words("999"), None);
        assert_eq!(words("0"), None);
    }
}
