//! What the numbering plans say about numbers beyond their length: unassigned, landline, premium rate and others.
//!
//! Asking the library takes microseconds for each number, about as long as everything else that a check does. So a
//! [`KindLookup`] asks once for each range of numbers, with a few numbers of it, and asks for a number itself only in
//! ranges whose numbers differ. Its answers do not depend on earlier numbers, so threads share them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rlibphonenumber::{PhoneNumber, PhoneNumberType, PhoneNumberUtil};

use super::numbering_plan::Plans;
use crate::model::{NumberKind, Phone};

/// The digits after the country code that name a range. Numbering plans rarely differ after them.
const RANGE_DIGITS: u32 = 4;

/// The fewest digits within a range.
const MIN_OPEN_DIGITS: u32 = 4;

/// The most ranges that are remembered. A country has at most ten thousand of each length.
const MOST_RANGES: usize = 65_536;

/// The ranges that were asked for, by name.
type Ranges = HashMap<u32, Range, BuildHasherDefault<Spread>>;

/// Returns the kinds of numbers. Shared by threads.
pub struct NumberKinds {
    library: Arc<PhoneNumberUtil>,
    plans: &'static Plans,
    /// The ranges that the lookups asked for.
    ranges: Mutex<Ranges>,
}

/// Looks up the kinds of many numbers, faster, for one thread.
pub struct KindLookup<'k> {
    kinds: &'k NumberKinds,
    /// Those of its own numbers, so that it rarely waits for others.
    ranges: Ranges,
}

/// Hashes the name of a range. The names come from phone numbers, so this need not resist an attack.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        let spread = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ spread >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The kind of the numbers of a range.
#[derive(Clone, Copy)]
enum Range {
    /// All have this one.
    All(Option<NumberKind>),
    /// They differ.
    Mixed,
}

impl NumberKinds {
    pub(super) fn new(library: Arc<PhoneNumberUtil>, plans: &'static Plans) -> Self {
        Self { library, plans, ranges: Mutex::default() }
    }

    /// Returns the kind of a number; `None` if it can get messages as far as the numbering plan says.
    #[must_use]
    pub fn of(&self, phone: Phone) -> Option<NumberKind> {
        let digits = phone.digits();
        let Some(code) = self.plans.code_of(&digits) else { return Some(NumberKind::Unassigned) };
        let national = digits.get(code.length..).unwrap_or_default();
        let zeros = national.bytes().take_while(|byte| *byte == b'0').count();
        let number = PhoneNumber {
            country_code: i32::from(code.code),
            national_number: national.parse().unwrap_or_default(),
            italian_leading_zero: (zeros > 0).then_some(true),
            number_of_leading_zeros: (zeros > 1).then(|| i32::try_from(zeros).unwrap_or_default()),
            ..PhoneNumber::default()
        };
        match self.library.get_number_type(&number) {
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile | PhoneNumberType::VoIP => None,
            PhoneNumberType::FixedLine => Some(NumberKind::Landline),
            PhoneNumberType::TollFree => Some(NumberKind::TollFree),
            PhoneNumberType::PremiumRate => Some(NumberKind::PremiumRate),
            PhoneNumberType::Unknown => Some(NumberKind::Unassigned),
            PhoneNumberType::SharedCost
            | PhoneNumberType::PersonalNumber
            | PhoneNumberType::Pager
            | PhoneNumberType::UAN
            | PhoneNumberType::VoiceMail => Some(NumberKind::Service),
        }
    }

    /// Returns a lookup for many numbers.
    #[must_use]
    pub fn lookup(&self) -> KindLookup<'_> {
        KindLookup { kinds: self, ranges: HashMap::default() }
    }
}

impl KindLookup<'_> {
    /// Returns the kind of a number, as [`NumberKinds::of`] does for nearly all.
    pub fn of(&mut self, phone: Phone) -> Option<NumberKind> {
        let number = phone.as_u64();
        let digits = number.checked_ilog10().unwrap_or_default() + 1;
        let national = digits.saturating_sub(self.kinds.plans.code_length(number, digits));
        let open = national.saturating_sub(RANGE_DIGITS).max(MIN_OPEN_DIGITS).min(digits);
        let size = 10_u64.pow(open);
        // No number has more than 15 digits, and no name more than 7: those of the country code and of the range.
        let name = u32::try_from((number / size) << 4 | u64::from(digits & 15));
        let range = name.map(|name| {
            remembered(&mut self.ranges, name, || {
                let mut shared = self.kinds.ranges.lock().unwrap_or_else(PoisonError::into_inner);
                remembered(&mut shared, name, || self.kinds.of_range(number / size * size, size))
            })
        });
        match range {
            Ok(Range::All(kind)) => kind,
            Ok(Range::Mixed) | Err(_) => self.kinds.of(phone),
        }
    }
}

/// Returns the range with this name, and remembers it.
fn remembered(ranges: &mut Ranges, name: u32, ask: impl FnOnce() -> Range) -> Range {
    if ranges.len() == MOST_RANGES && !ranges.contains_key(&name) {
        ranges.clear();
    }
    *ranges.entry(name).or_insert_with(ask)
}

impl NumberKinds {
    /// Asks for the first and the last number of a range, and for some between.
    fn of_range(&self, first: u64, size: u64) -> Range {
        let last = size - 1;
        let mut kinds =
            [0, 12_345_678 % size, last / 9 * 5, last].map(|at| self.of(Phone::from_u64(first + at))).into_iter();
        let kind = kinds.next().flatten();
        if kinds.all(|other| other == kind) { Range::All(kind) } else { Range::Mixed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipients::Numbers;

    fn kinds() -> NumberKinds {
        Numbers::new(None).unwrap().kinds().unwrap()
    }

    #[test]
    fn the_numbering_plan_knows_what_a_number_is() {
        let kinds = kinds();
        for (number, expected) in [
            (85_268_411_234, None),
            (4_915_112_345_678, None),
            (14_155_550_134, None),
            (4_930_123_456, Some(NumberKind::Landline)),
            (390_612_345_678, Some(NumberKind::Landline)),
            (85_221_234_567, Some(NumberKind::Landline)),
            (18_002_345_678, Some(NumberKind::TollFree)),
            (19_002_345_678, Some(NumberKind::PremiumRate)),
            (447_012_345_678, Some(NumberKind::Service)),
            (85_211_111_111, Some(NumberKind::Unassigned)),
            (14_150_550_134, Some(NumberKind::Unassigned)),
        ] {
            let phone = Phone::from_u64(number);
            assert_eq!(kinds.of(phone), expected, "{number}");
            assert_eq!(kinds.lookup().of(phone), expected, "{number}");
        }
    }

    #[test]
    fn a_lookup_by_ranges_agrees_with_the_plan() {
        let kinds = kinds();
        let (mut lookup, mut backwards) = (kinds.lookup(), kinds.lookup());
        let mut random = fastrand::Rng::with_seed(7);
        let plans = [(852, 8), (49, 10), (49, 11), (1, 10), (44, 10), (86, 11), (39, 10), (55, 11), (91, 10), (34, 9)];
        let numbers: Vec<Phone> = (0..20_000)
            .map(|at| {
                let (code, digits) = plans[at % plans.len()];
                let size = 10_u64.pow(digits);
                Phone::from_u64(code * size + random.u64(size / 10..size))
            })
            .collect();
        let found: Vec<_> = numbers.iter().map(|phone| lookup.of(*phone)).collect();
        let mut reversed: Vec<_> = numbers.iter().rev().map(|phone| backwards.of(*phone)).collect();
        reversed.reverse();
        assert!(found == reversed, "it depends on the order");
        let wrong = numbers.iter().zip(&found).filter(|(phone, kind)| kinds.of(**phone) != **kind).count();
        assert!(wrong < 20, "{wrong}");
    }
}
