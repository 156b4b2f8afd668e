//! Removes phone numbers from text that comes from outside.

use std::borrow::Cow;
use std::ops::Range;

use super::decimal_digit;

/// The fewest digits that may be a phone number. Fewer are codes, counts and years.
const PERSONAL: usize = 7;

/// Cuts each run of seven or more digits, of any script, to its last two, as in `…34`, for places that describe a
/// problem but not a person. A provider's refusal often repeats the number. After a plus sign, a run continues across
/// spaces, dashes, dots and brackets.
#[must_use]
pub fn redact_numbers(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let (mut done, mut at) = (0, 0);
    let mut international = false;
    while let Some(c) = text[at..].chars().next() {
        let digits = number(&text[at..], international);
        if let [.., first_kept, _] = digits.as_slice()
            && digits.len() >= PERSONAL
        {
            masked.push_str(&text[done..at]);
            masked.push('…');
            done = at + first_kept.start;
        }
        international = matches!(c, '+' | '\u{ff0b}');
        at += digits.last().map_or(c.len_utf8(), |last| last.end);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// Returns the places of the digits of a number at the start of the text.
fn number(text: &str, international: bool) -> Vec<Range<usize>> {
    /// The most characters between two digits: `) `.
    const BETWEEN: usize = 2;
    let mut digits: Vec<Range<usize>> = Vec::new();
    let mut between = 0;
    for (at, c) in text.char_indices() {
        if decimal_digit(c).is_some() {
            digits.push(at..at + c.len_utf8());
            between = 0;
        } else if international
            && !digits.is_empty()
            && between < BETWEEN
            && (matches!(c, '-' | '.' | '(' | ')') || c.is_whitespace() && !c.is_control())
        {
            between += 1;
        } else {
            break;
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_are_cut_and_other_numbers_stay() {
        for (text, masked) in [
            ("", ""),
            ("(#131030) Recipient 85268411234 is not allowed", "(#131030) Recipient …34 is not allowed"),
            ("+447700900970,1234567", "+…70,…67"),
            ("to +852 6841-1234: no", "to +…34: no"),
            ("+1 (415) 555-0134 and +49 30 1", "+…34 and +49 30 1"),
            ("+44 77009 0097 0", "+…7 0"),
            ("429 since 2026-03-23", "429 since 2026-03-23"),
            ("إلى ٨٥٢٦٨٤١١٢٣٤: لا", "إلى …٣٤: لا"),
            ("＋８５２ ６８４１ １２３４, १२३४५६७", "＋…３４, …६७"),
            ("wamid.HBgLODUy00012345678é", "wamid.HBgLODUy…78é"),
        ] {
            assert_eq!(redact_numbers(text), masked);
        }
    }
}
