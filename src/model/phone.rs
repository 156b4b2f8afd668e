//! A phone number that is not printed by accident.

use std::fmt;

/// A number in international form: country code and number, digits only, at most 15 of them (E.164).
///
/// `Debug` shows only the last two digits, so logs and panics contain nothing personal. Only [`Phone::digits`] returns
/// all digits, for the request, the report and the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(u64);

impl Phone {
    /// The most digits an international number has (ITU-T E.164).
    pub const MAX_DIGITS: usize = 15;

    /// Returns the number with these digits. `None` if the text is anything but 1 to 15 digits, or starts with 0, which
    /// no country code does.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let plain = !digits.is_empty()
            && digits.len() <= Self::MAX_DIGITS
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// Returns the number as an integer, as it is stored.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// Returns the number that [`Phone::as_u64`] stored.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Whether it is of North America: +1 and ten digits. No other country code starts with 1.
    #[must_use]
    pub fn starts_with_plus_one(self) -> bool {
        (10_000_000_000..20_000_000_000).contains(&self.0)
    }

    /// Returns all digits.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(…{:02})", self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_and_do_not_print() {
        let phone = Phone::from_digits("85268411234").unwrap();
        assert_eq!(phone.digits(), "85268411234");
        assert_eq!(format!("{phone:?}"), "Phone(…34)");
    }

    #[test]
    fn only_eleven_digits_that_start_with_one_are_of_north_america() {
        let is = |digits| Phone::from_digits(digits).unwrap().starts_with_plus_one();
        assert!(is("16505551234") && is("19999999999") && is("10000000000"));
        assert!(!is("85268411234") && !is("165055512345") && !is("1650555123") && !is("26505551234"));
    }

    #[test]
    fn what_is_not_an_international_number_is_none() {
        for text in ["", "0852", "+852", "852 684", "1234567890123456", "８５２"] {
            assert!(Phone::from_digits(text).is_none(), "{text}");
        }
    }
}
