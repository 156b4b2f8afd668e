//! Removes phone numbers from text that comes from outside.

use std::borrow::Cow;

/// The fewest digits that may be a phone number. Fewer are codes, counts and years.
const PERSONAL: usize = 7;

/// Cuts each run of seven or more digits to its last two, as in `…34`, for places that describe a problem but not a
/// person. A provider's refusal often repeats the number. After a plus sign, a run continues across spaces, dashes,
/// dots and brackets.
#[must_use]
pub fn redact_numbers(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut done = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let international = at > 0 && bytes[at - 1] == b'+';
        let digits = number(&bytes[at..], international);
        if digits.len() >= PERSONAL {
            masked.push_str(&text[done..at]);
            masked.push('…');
            done = at + digits[digits.len() - 2];
        }
        at += digits.last().map_or(0, |last| last + 1).max(1);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// Returns the positions of the digits of a number at the start of the text.
fn number(text: &[u8], international: bool) -> Vec<usize> {
    /// The most characters between two digits: `) `.
    const BETWEEN: usize = 2;
    let mut digits: Vec<usize> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        let gap = digits.last().map_or(at, |last| at - last - 1);
        match byte {
            b'0'..=b'9' => digits.push(at),
            b' ' | b'-' | b'.' | b'(' | b')' if international && !digits.is_empty() && gap < BETWEEN => {}
            _ => break,
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
            ("wamid.HBgLODUy00012345678é", "wamid.HBgLODUy…78é"),
        ] {
            assert_eq!(redact_numbers(text), masked);
        }
    }
}
