//! Decimal digits of every script.

use std::borrow::Cow;

use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// Returns the ASCII digit with the value of a decimal digit of any script: 3 for `3`, `３`, `٣` and `३`.
#[must_use]
pub fn decimal_digit(c: char) -> Option<char> {
    const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let is_digit = |code: &u32| CATEGORIES.get32(*code) == GeneralCategory::DecimalNumber;
    let code = u32::from(c);
    // Ten digits in a row, from 0 to 9, are a set, and no other digits are next to one (Unicode Standard, 4.6). Some
    // sets follow each other, such as the mathematical digits.
    let before = (0..code).rev().take_while(is_digit).fold(0, |count, _| count + 1);
    char::from_digit(before % 10, 10).filter(|_| is_digit(&code))
}

/// Returns a text with every decimal digit as an ASCII digit.
#[must_use]
pub fn with_ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| decimal_digit(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_every_script_have_their_value() {
        for zero in [
            '0',
            '\u{660}',   // Arabic-Indic
            '\u{6f0}',   // Persian and Urdu
            '\u{966}',   // Devanagari
            '\u{9e6}',   // Bengali
            '\u{e50}',   // Thai
            '\u{1040}',  // Myanmar
            '\u{ff10}',  // full-width
            '\u{116da}', // the second of two sets in a row
            '\u{1d7ce}', // mathematical, five sets in a row
            '\u{1d7f6}',
        ] {
            for value in 0..10 {
                let digit = char::from_u32(u32::from(zero) + value).unwrap();
                assert_eq!(decimal_digit(digit), char::from_digit(value, 10), "{digit:?}");
            }
        }
        for other in ['a', '/', ':', '²', '½', 'Ⅳ', '五', '①', '\u{65f}', '\u{66a}', 'é'] {
            assert_eq!(decimal_digit(other), None, "{other:?}");
        }
        assert_eq!(with_ascii_digits("+٤٤ é 7"), "+44 é 7");
    }

    #[test]
    fn digits_come_in_sets_of_ten() {
        let digits = ('\0'..=char::MAX).filter_map(decimal_digit);
        let all: String = digits.collect();
        assert!(all.len() >= 680 && all == "0123456789".repeat(all.len() / 10), "{all}");
    }
}
