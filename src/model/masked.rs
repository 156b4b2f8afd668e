//! Words from outside without the telephone numbers in them.

use std::borrow::Cow;

/// Digits in a row that may be a number of a person. Shorter ones are codes, counts and years.
const PERSONAL: usize = 7;

/// These words with each run of seven or more digits cut to its last two, as in `…34`: for places that tell what is
/// wrong and not of whom. What a provider says of a number it does not like often repeats the number.
#[must_use]
pub fn without_numbers(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut done = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let digits = bytes.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count();
        if digits >= PERSONAL {
            masked.push_str(&text[done..at]);
            masked.push('…');
            done = at + digits - 2;
        }
        at += digits.max(1);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
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
            ("429 since 2026-03-23", "429 since 2026-03-23"),
            ("wamid.HBgLODUy00012345678é", "wamid.HBgLODUy…78é"),
        ] {
            assert_eq!(without_numbers(text), masked);
        }
    }
}
