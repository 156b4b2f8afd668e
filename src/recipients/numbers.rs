//! From what people write into a table to a number in international form.
//!
//! The first duty is never to turn one person's number into another's: what can be read in two ways is refused
//! with words, and a national number is never taken for a foreign one. Lengths are a hard limit, whether a number
//! is assigned is not: numbering plans age. It must not use the library for numbers that name their country
//! code: that keeps a list that mixes all countries at the memory of one.

use std::sync::OnceLock;

use rlibphonenumber::{PhoneNumber, PhoneNumberType, PhoneNumberUtil, Region};

use super::plans::Plans;
use crate::model::{Phone, RowProblem};

/// More digits than any way of writing a number has: prefix, country code, trunk prefix and number.
const MOST_DIGITS: usize = 24;

/// What to do about a number that nobody knows the country of.
const NO_REGION: &str = "write the country code, or say which `region` it is of";

/// The calling code shared by the United States, Canada and much of the Caribbean.
const NANP_CODE: u16 = 1;

/// Reads numbers as people write them.
pub struct Numbers {
    plans: &'static Plans,
    home: Option<Home>,
}

/// Where national numbers are at home.
struct Home {
    library: PhoneNumberUtil,
    region: Region,
    code: u16,
    /// The code's digits.
    prefix: String,
}

/// A region that the numbering plans do not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a region with telephone numbers: a region is two capital letters such as HK, GB or US (ISO 3166-1)"
)]
pub struct UnknownRegion(pub String);

impl Numbers {
    /// A reader of numbers. National numbers are read as of `region` (ISO 3166-1 alpha-2, upper case); without it
    /// every number needs its country code.
    ///
    /// # Errors
    /// The region is not one that has telephone numbers.
    pub fn new(region: Option<&str>) -> Result<Self, UnknownRegion> {
        // The plans are a few kilobytes that never change; the library, which takes 7 MiB, goes when it is not needed.
        static PLANS: OnceLock<Plans> = OnceLock::new();
        if let (Some(plans), None) = (PLANS.get(), region) {
            return Ok(Self { plans, home: None });
        }
        // The library's tables are part of the program; that they do not load is not something that can happen.
        let unknown = || UnknownRegion(region.unwrap_or_default().to_owned());
        let library = PhoneNumberUtil::new().map_err(|_| unknown())?;
        let plans = PLANS.get_or_init(|| Plans::new(&library));
        let home = match region {
            None => None,
            Some(name) => Some(Home::new(library, name).ok_or_else(unknown)?),
        };
        Ok(Self { plans, home })
    }

    /// The number that this text is, in international form.
    ///
    /// With `+` or `00` in front it is read as international. Other digits are read as of the region, the country
    /// code without a `+` included; without a region they have to begin with the country code. Spaces, dashes,
    /// dots, parentheses, an apostrophe in front, invisible marks and full-width digits do not matter.
    ///
    /// # Errors
    /// A problem for the report: `no_number`, `spreadsheet_number` (a spreadsheet changed it) or `bad_number`.
    pub fn normalise(&self, text: &str) -> Result<Phone, RowProblem> {
        let text = text.trim_matches(|c| is_formatting(c) && !matches!(c, '(' | ')' | '.' | '-'));
        let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
        if text.is_empty() {
            return Err(RowProblem::new("no_number", "there is no number"));
        }
        what_a_spreadsheet_did(text)?;
        let (digits, plus) = digits_of(text)?;
        if digits.is_empty() {
            return Err(RowProblem::new("no_number", "there are no digits"));
        }
        if plus {
            return self.international(&digits);
        }
        match (digits.strip_prefix("00"), &self.home) {
            (Some(rest), None) => self.international(rest),
            (Some(rest), Some(home)) => {
                let phone = self.international(rest)?;
                match rest.strip_prefix('1') {
                    Some(other) if self.is_dialled_with_001(home, &digits, other) => {
                        let words =
                            "it begins with 001, which may be the code of the USA or the prefix for calls abroad";
                        Err(bad(words).hint("write + and the country code"))
                    }
                    _ => Ok(phone),
                }
            }
            (None, Some(home)) => self.national(home, &digits),
            (None, None) if digits.starts_with('0') => {
                Err(bad("it looks like a national number, since it begins with a single 0").hint(NO_REGION))
            }
            (None, None) => self
                .complete(&digits)
                .map_err(|words| bad(words).hint(format!("if it is a national number, {NO_REGION}"))),
        }
    }

    /// A number whose first digits are said to be a country code.
    fn international(&self, digits: &str) -> Result<Phone, RowProblem> {
        self.complete(digits).map_err(bad)
    }

    /// Country code and number, held against the numbering plans.
    fn complete(&self, digits: &str) -> Result<Phone, String> {
        if digits.starts_with('0') {
            return Err("no country code begins with 0".to_owned());
        }
        let Some(code) = self.plans.code_of(digits) else {
            let start: String = digits.chars().take(3).collect();
            return Err(format!("no country code begins the number: it starts with {start}"));
        };
        let (prefix, number) = digits.split_at(code.length);
        if let Some(shorter) = number.strip_prefix(code.trunk_prefix())
            && code.allows(shorter.len())
            && !(code.keeps_zero() && code.allows(number.len()))
        {
            return phone(&format!("{prefix}{shorter}"));
        }
        if !code.allows(number.len()) {
            return Err(format!(
                "numbers of country code +{} have {} digits behind the code, this one has {}",
                code.code,
                code.lengths(),
                number.len()
            ));
        }
        phone(digits)
    }

    /// Digits without a mark of being international, in a campaign with a region.
    fn national(&self, home: &Home, digits: &str) -> Result<Phone, RowProblem> {
        if home.code == NANP_CODE
            && let Some(abroad) = digits.strip_prefix("011")
        {
            return self.international(abroad);
        }
        let whole = digits.strip_prefix(&home.prefix).and_then(|_| self.complete(digits).ok());
        let plan = self.plans.code_of(&home.prefix);
        if let Some(phone) = whole
            && !plan.is_some_and(|plan| plan.allows(digits.len()))
        {
            return Ok(phone);
        }
        let local = home.local(digits).and_then(|digits| self.complete(&digits).ok());
        match (whole, local) {
            (Some(whole), Some(local)) => home.choose(whole, local),
            (Some(phone), None) | (None, Some(phone)) => Ok(phone),
            (None, None) => {
                let lengths = plan.map(super::plans::Code::lengths).unwrap_or_default();
                let (region, code) = (home.region, home.code);
                let words = format!(
                    "it is not a number of region {region}, whose numbers have {lengths} digits behind +{code}"
                );
                Err(bad(words).hint("a number of another country needs + or 00 and its country code"))
            }
        }
    }

    /// Whether `001`, with `other` behind it, dials abroad from the region, so that the 1 is not a country code.
    fn is_dialled_with_001(&self, home: &Home, digits: &str, other: &str) -> bool {
        home.code != NANP_CODE
            && self.complete(other).is_ok()
            && home
                .library
                .parse(digits, Some(home.region))
                .is_ok_and(|number| number.country_code != i32::from(NANP_CODE))
    }
}

impl Home {
    fn new(library: PhoneNumberUtil, name: &str) -> Option<Self> {
        let region = Region::from_code(name).ok()?;
        let code = library.get_country_code_for_region(region)?;
        let code = u16::try_from(code).ok()?;
        Some(Self { library, region, code, prefix: code.to_string() })
    }

    /// The international digits of a number read as national: trunk prefixes are taken off, and what else the
    /// region does with its numbers. `None` if it cannot be one.
    fn local(&self, digits: &str) -> Option<String> {
        // The library takes a country code off by itself; written twice, one is left to the number.
        let number = if digits.starts_with(&self.prefix) {
            self.library.parse(format!("+{}{digits}", self.prefix), None)
        } else {
            self.library.parse(digits, Some(self.region))
        };
        let number = number.ok().filter(|number| number.country_code == i32::from(self.code))?;
        let rest = rlibphonenumber::get_national_significant_number_owned(&number);
        Some(format!("{}{rest}", self.prefix))
    }

    /// One of two readings of the same digits: with the country code, or all of it national.
    fn choose(&self, whole: Phone, local: Phone) -> Result<Phone, RowProblem> {
        if whole == local {
            return Ok(whole);
        }
        let assigned = |number: &PhoneNumber| self.library.is_valid_number(number);
        let mobile = |number: &PhoneNumber| {
            matches!(self.library.get_number_type(number), PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile)
        };
        let parse = |phone: Phone| self.library.parse(format!("+{}", phone.digits()), None).ok();
        if let (Some(a), Some(b)) = (parse(whole), parse(local)) {
            for better in [&assigned as &dyn Fn(&PhoneNumber) -> bool, &mobile] {
                match (better(&a), better(&b)) {
                    (true, false) => return Ok(whole),
                    (false, true) => return Ok(local),
                    _ => {}
                }
            }
        }
        Err(bad(format!("it may be a number with the country code {} or a national one", self.code))
            .hint("write + and the country code"))
    }
}

fn bad(words: impl Into<Box<str>>) -> RowProblem {
    RowProblem::new("bad_number", words)
}

fn phone(digits: &str) -> Result<Phone, String> {
    Phone::from_digits(digits).ok_or_else(|| {
        format!("it has {} digits, an international number has at most {}", digits.len(), Phone::MAX_DIGITS)
    })
}

/// The digits of a number as written, and whether a + is in front of them.
fn digits_of(text: &str) -> Result<(String, bool), RowProblem> {
    let mut digits = String::with_capacity(MOST_DIGITS);
    let mut plus = false;
    for c in text.chars() {
        if let Some(digit) = digit_of(c) {
            if digits.len() == MOST_DIGITS {
                return Err(bad(format!("it has more than {MOST_DIGITS} digits")));
            }
            digits.push(digit);
        } else if matches!(c, '+' | '\u{ff0b}') && digits.is_empty() && !plus {
            plus = true;
        } else if c.is_alphabetic() {
            let hint = "words and extensions are no part of a number";
            return Err(bad("there are letters in it").hint(hint));
        } else if !is_formatting(c) {
            let words = format!("`{}` does not belong into a number", c.escape_debug());
            return Err(bad(words).hint("write one number, of digits, spaces and dashes"));
        }
    }
    Ok((digits, plus))
}

/// ASCII digits and full-width ones.
fn digit_of(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
        _ => None,
    }
}

/// Characters that only make a number easier to read, or that nobody sees. A line break is not one of them: it
/// stands between two numbers.
fn is_formatting(c: char) -> bool {
    match c {
        '\n' | '\r' => false,
        '-' | '.' | '(' | ')' => true,
        // Soft hyphen, dashes, minus, full-width forms.
        '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{ff0e}' | '\u{ff08}' | '\u{ff09}' => true,
        // Zero-width characters, marks of the writing direction, the byte order mark.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => true,
        _ => c.is_whitespace(),
    }
}

/// Recognises what a spreadsheet makes of a number that it takes for a quantity.
fn what_a_spreadsheet_did(text: &str) -> Result<(), RowProblem> {
    let damaged = |words: &str, mend: String| Err(RowProblem::new("spreadsheet_number", words).hint(mend));
    let mend = || "format the column as text in the spreadsheet, put the number back and export again".to_owned();
    if text.starts_with('#') {
        return damaged("a spreadsheet wrote an error, or had a column too narrow, in place of the number", mend());
    }
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some((mantissa, exponent)) = number.split_once(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        if all_digits(whole) && all_digits(exponent) && (fraction.is_empty() || all_digits(fraction)) {
            return damaged("a spreadsheet rounded the number and its last digits are lost", mend());
        }
    } else if let Some((whole, fraction)) = number.split_once(['.', ','])
        && whole.len() >= 7
        && fraction.len() <= 2
        && all_digits(whole)
        && all_digits(fraction)
    {
        let mend = format!(
            "without the decimals it is {whole}: format the column as text in the spreadsheet and export again"
        );
        return damaged("a spreadsheet exported it as a decimal number", mend);
    }
    Ok(())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
