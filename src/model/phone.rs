//! A phone number, and the id of a person who does not show theirs. Neither is printed by accident.

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

    /// Returns the other spelling of the same line, in the countries that have two of each mobile number: Mexico (+52,
    /// formerly +52 1), Brazil (+55, area code, 9, eight digits; formerly without the 9) and Argentina (+54 9; without
    /// the 9 at home). WhatsApp may use either, whichever a message was sent to.
    #[must_use]
    pub fn other_spelling(self) -> Option<Self> {
        const LINE: u64 = 10_000_000_000; // ten digits
        const LOCAL: u64 = 100_000_000; // eight digits
        let (country, line, local) = (self.0 / LINE, self.0 % LINE, self.0 % LOCAL);
        // Other lines of Brazil begin with 2 to 5, and never had a 9.
        let is_mobile = local / 10_000_000 >= 6;
        Some(Self(match country {
            52 => 521 * LINE + line,
            521 => 52 * LINE + line,
            54 => 549 * LINE + line,
            549 => 54 * LINE + line,
            55 if is_mobile => ((5500 + line / LOCAL) * 10 + 9) * LOCAL + local,
            550..560 if is_mobile && self.0 / LOCAL % 10 == 9 => self.0 / LOCAL / 10 * LOCAL + local,
            _ => return None,
        }))
    }

    /// Returns the number in each of its spellings, itself first.
    pub fn spellings(self) -> impl Iterator<Item = Self> {
        std::iter::once(self).chain(self.other_spelling())
    }

    /// Returns the same spelling for both: the one that is used today.
    #[must_use]
    pub fn line(self) -> Self {
        match self.0 / 10_000_000_000 {
            54 | 55 | 521 => self.other_spelling().unwrap_or(self),
            _ => self,
        }
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

/// A provider's id of a person, who need not show their phone number. Meta calls it the business-scoped user id.
///
/// `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// Returns the id in this text: a country's two letters, a dot, perhaps `ENT.`, and at most 128 letters and digits
    /// ("Business-scoped user IDs"). `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let id = rest.strip_prefix("ENT.").unwrap_or(rest);
        let is_plain = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_plain.then(|| Self(text.to_owned()))
    }

    /// Returns the id, for the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's id, with what shows their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPerson {
    /// The provider's id of the person.
    pub user: UserId,
    /// The number, if the provider gives it.
    pub phone: Option<Phone>,
    /// The id of a message to the person.
    pub message_id: Option<String>,
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(…)")
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
    fn a_mobile_number_of_three_countries_has_two_spellings() {
        for (new, old) in [
            ("525512345678", "5215512345678"),
            ("5511987654321", "551187654321"),
            ("5499912345678", "549912345678"),
            ("5491123456789", "541123456789"),
        ] {
            let [new_phone, old_phone] = [new, old].map(|digits| Phone::from_digits(digits).unwrap());
            assert_eq!(new_phone.other_spelling(), Some(old_phone), "{new}");
            assert_eq!(old_phone.other_spelling(), Some(new_phone), "{old}");
            assert_eq!((new_phone.line(), old_phone.line()), (new_phone, new_phone), "{new}");
        }
        for one in ["85268411234", "551132654321", "5511932654321", "16505551234", "4915112345678", "52551234567"] {
            let phone = Phone::from_digits(one).unwrap();
            assert_eq!((phone.other_spelling(), phone.line()), (None, phone), "{one}");
        }
    }

    #[test]
    fn what_is_not_an_international_number_is_none() {
        for text in ["", "0852", "+852", "852 684", "1234567890123456", "８５２"] {
            assert!(Phone::from_digits(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_user_id_has_a_country_and_does_not_print() {
        for text in ["US.13491208655302741918", "GB.ENT.a1", "HK.x"] {
            let id = UserId::parse(text).unwrap();
            assert_eq!((id.as_str(), format!("{id:?}").as_str()), (text, "UserId(…)"));
        }
        let long = format!("US.{}", "1".repeat(129));
        for text in ["", "US", "US.", "us.1", "USA.1", "US.ENT.", "US.a-b", "+85268411234", "US.1 ", long.as_str()] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
    }
}
