//! How one number is written: its digits, what only formats them, and what a spreadsheet did to them.

use crate::model::NumberProblem;
use crate::text::{decimal_digit, is_sheet_error};

/// The most digits of a written number: prefix, country code, trunk prefix and number.
const MOST_DIGITS: usize = 24;

/// The fewest digits of a complete number next to another one. Fewer before a slash are an area code.
pub(super) const COMPLETE: usize = 7;

/// The fewest digits after the slash after an area code. Fewer may replace the last digits before it.
const REST: usize = 5;

/// Returns the digits of a written number, and whether it starts with `+`.
pub(super) fn digits_of(text: &str) -> Result<(String, bool), NumberProblem> {
    let mut digits = String::with_capacity(MOST_DIGITS);
    let (mut plus, mut slash) = (false, false);
    for c in text.chars() {
        if let Some(digit) = decimal_digit(c) {
            if digits.len() == MOST_DIGITS {
                return Err(NumberProblem::TooManyDigits { most: MOST_DIGITS });
            }
            digits.push(digit);
        } else if matches!(c, '+' | '\u{ff0b}') && digits.is_empty() && !plus {
            plus = true;
        } else if is_slash(c) {
            if !slash {
                check_slash(text)?;
            }
            slash = true;
        } else if c.is_alphabetic() {
            return Err(NumberProblem::Letters);
        } else if !is_formatting(c) {
            return Err(NumberProblem::Character(c));
        }
    }
    Ok((digits, plus))
}

/// Checks that a slash only formats one number, as in `0151/2345678`: there is one, an area code with its prefix is
/// before it, and the rest of the number after it. Anything else may be two numbers or a date, and joined it could be
/// the number of a stranger.
fn check_slash(text: &str) -> Result<(), NumberProblem> {
    let digits = |part: &str| part.chars().filter_map(decimal_digit).collect::<String>();
    let bare = without_trunk_zero(text);
    let parts: Vec<String> = bare.as_deref().unwrap_or(text).split(is_slash).map(digits).collect();
    let is_short = |part: &String| part.len() <= 4;
    match parts.as_slice() {
        [before, after] if !before.is_empty() && !after.is_empty() => {
            let has_prefix = before.starts_with('0') || text.starts_with(['+', '\u{ff0b}']);
            let is_area = has_prefix && before.strip_prefix("00").unwrap_or(before).len() < COMPLETE;
            match is_area && after.len() >= REST && !after.starts_with('0') {
                true => Ok(()),
                false => Err(NumberProblem::TwoNumbers),
            }
        }
        [first, second, _, ..] if !(parts.contains(&String::new()) || is_short(first) && is_short(second)) => {
            Err(NumberProblem::TwoNumbers)
        }
        _ => Err(NumberProblem::Character('/')),
    }
}

/// Returns an international number without the `(0)` after its country code, which is never dialled from abroad and so
/// does not count as a digit of the area code.
fn without_trunk_zero(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(['(', '\u{ff08}'])?;
    let (zero, after) = rest.split_once([')', '\u{ff09}'])?;
    let is_zero = zero.chars().filter_map(decimal_digit).eq(['0']) && zero.trim().chars().count() == 1;
    let code: String = before.chars().filter_map(decimal_digit).collect();
    let is_code = match before.trim_start().starts_with(['+', '\u{ff0b}']) {
        true => (1..=3).contains(&code.len()),
        false => code.strip_prefix("00").is_some_and(|code| (1..=3).contains(&code.len())),
    };
    (is_zero && is_code && !before.contains(is_slash)).then(|| format!("{before}{after}"))
}

/// Splits `0151/04117083`: an area code with the prefix 0, a slash, and a rest that starts with 0. Both are only
/// digits.
pub(super) fn area_and_zero(text: &str) -> Option<(&str, &str)> {
    let (area, rest) = text.split_once(is_slash)?;
    let is_area = area.starts_with('0') && !area.starts_with("00") && (2..COMPLETE).contains(&area.len());
    (is_area && rest.starts_with('0') && rest.len() >= REST && all_digits(area) && all_digits(rest))
        .then_some((area, rest))
}

fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\u{ff0f}')
}

/// Whether a character only formats a number or is invisible. A line break or a tab does not: it separates two numbers.
pub(super) fn is_formatting(c: char) -> bool {
    match c {
        '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => false,
        '-' | '.' | '(' | ')' => true,
        // Soft hyphen, dashes, minus, full-width forms.
        '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{ff0e}' | '\u{ff08}' | '\u{ff09}' => true,
        // Zero-width characters, text-direction marks, the byte order mark. U+202E is missing: a number after it is
        // displayed in reverse, so it is unclear which one was meant.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202d}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => true,
        _ => c.is_whitespace(),
    }
}

/// Detects numbers that a spreadsheet changed because it treated them as quantities.
pub(super) fn what_a_spreadsheet_did(text: &str) -> Result<(), NumberProblem> {
    if is_sheet_error(text) {
        return Err(NumberProblem::SheetError);
    }
    if text.strip_prefix(['-', '\u{2212}']).is_some_and(all_digits) || is_date(text) {
        return Err(NumberProblem::SheetCalculated);
    }
    const POINTS: [char; 4] = ['.', ',', '\u{ff0e}', '\u{ff0c}'];
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some((mantissa, exponent)) = number.split_once(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = mantissa.split_once(POINTS).unwrap_or((mantissa, ""));
        if all_digits(whole) && all_digits(exponent) && (fraction.is_empty() || all_digits(fraction)) {
            return Err(NumberProblem::SheetRounded);
        }
    } else if let Some((whole, fraction)) = number.split_once(POINTS)
        && whole.len() >= 7
        && all_digits(whole)
        && all_digits(fraction)
    {
        return Err(NumberProblem::SheetDecimals { whole: whole.into() });
    }
    Ok(())
}

/// Whether a text is a date such as `2026-12-01` or `01.12.2026`, with or without a time.
fn is_date(text: &str) -> bool {
    let date = text.split(' ').next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['-', '.']).collect();
    let [first, middle, last] = parts.as_slice() else { return false };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let within = |part: &str, from: u32, to: u32| {
        part.len() <= 4 && all_digits(part) && part.parse().is_ok_and(|number| (from..=to).contains(&number))
    };
    year.len() == 4 && within(year, 1900, 2099) && within(middle, 1, 31) && within(day, 1, 31)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
