//! Parses phone numbers, as people write them in tables, into international form.
//!
//! The first rule is never to turn one person's number into another's: an ambiguous number is refused with a reason,
//! and a national number is never read as a foreign one. Lengths are a hard limit. Whether a number is assigned is not,
//! because numbering plans age; it only decides between two interpretations, and `kinds` reports it. Numbers with a
//! country code must not use the library, so that a list of all countries needs no more memory than a list of one.
//!
//! In a campaign with a region, digits are one of these, or not a number:
//!
//! - the national number, as dialled from abroad after the country code;
//! - the same after the region's national prefix, or in the region's own notation (Argentina's `011 15 …`);
//! - a country code and a number, after `+`, `00` or the region's international prefix;
//! - the region's own country code and a number.

use std::sync::{Arc, OnceLock};

use rlibphonenumber::{CountryCodeSource, PhoneNumber, PhoneNumberFormat, PhoneNumberType, PhoneNumberUtil, Region};

use super::kinds::NumberKinds;
use super::numbering_plan::{Code, Plans};
use super::several::{Slashes, before_zeros, extension, has_gap, parts, share_area};
use super::written::{COMPLETE, area_and_zero, digits_of, is_formatting, what_a_spreadsheet_did};
use crate::model::{Doubt, Misfit, NumberProblem, Phone, RowProblem};
use crate::text::with_ascii_digits;

/// The most digits of a usual number, with its country code. Two short numbers have more.
const USUAL: usize = 12;

/// The most numbers in a cell.
const MOST_NUMBERS: u8 = 5;

/// The fewest digits of an international prefix. A single 0 (Samoa, Cape Verde) does not count: it is the national
/// prefix of most other countries.
const MIN_DIAL_PREFIX: usize = 3;

/// Parses phone numbers.
pub struct Numbers {
    plans: &'static Plans,
    home: Option<Home>,
    /// The library, if it was loaded. Loading it again for `kinds` would take as long as checking 40,000 rows.
    library: Option<Arc<PhoneNumberUtil>>,
    /// Whether the first of several numbers in a cell is used.
    first_of_several: bool,
}

/// The region of national numbers.
struct Home {
    library: Arc<PhoneNumberUtil>,
    region: Region,
    plan: Code,
    /// The digits of the country code.
    prefix: String,
    /// The international prefix, if it is not `00`.
    dial: Option<String>,
}

/// A region that the numbering plans do not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{}` is not a region with phone numbers; {}", self.0, self.hint())]
pub struct UnknownRegion(pub String);

impl UnknownRegion {
    /// Returns what to write instead.
    fn hint(&self) -> &'static str {
        match self.0.as_str() {
            "UK" => "write GB for the United Kingdom",
            _ => "write two capital letters such as HK, GB or US (ISO 3166-1)",
        }
    }
}

impl Numbers {
    /// Returns a parser for numbers. National numbers belong to `region` (ISO 3166-1 alpha-2, upper case); without it
    /// every number needs its country code.
    ///
    /// # Errors
    /// When the region has no phone numbers.
    pub fn new(region: Option<&str>) -> Result<Self, UnknownRegion> {
        // The plans are a few constant kilobytes; the library, which takes 7 MiB, is not loaded when it is not needed.
        static PLANS: OnceLock<Plans> = OnceLock::new();
        if let (Some(plans), None) = (PLANS.get(), region) {
            return Ok(Self { plans, home: None, library: None, first_of_several: false });
        }
        // The library's tables are part of the program, so loading them cannot fail.
        let unknown = || UnknownRegion(region.unwrap_or_default().to_owned());
        let library = Arc::new(PhoneNumberUtil::new().map_err(|_| unknown())?);
        let plans = PLANS.get_or_init(|| Plans::new(&library));
        let home = match region {
            None => None,
            Some(name) => Some(Home::new(Arc::clone(&library), plans, name).ok_or_else(unknown)?),
        };
        Ok(Self { plans, home, library: Some(library), first_of_several: false })
    }

    /// Uses the first of several numbers in a cell, if `whether` is true and each is complete.
    #[must_use]
    pub fn first_of_several(mut self, whether: bool) -> Self {
        self.first_of_several = whether;
        self
    }

    /// Returns what the numbering plans say about the kinds of numbers.
    ///
    /// # Errors
    /// Never: the library's tables are part of the program.
    pub fn kinds(&self) -> Result<NumberKinds, UnknownRegion> {
        let library = match &self.library {
            Some(library) => Arc::clone(library),
            None => Arc::new(PhoneNumberUtil::new().map_err(|_| UnknownRegion(String::new()))?),
        };
        Ok(NumberKinds::new(library, self.plans))
    }

    /// Parses a text into a number in international form.
    ///
    /// With `+` or `00` in front it is read as international. Other digits are read as a number of the region, with or
    /// without its country code; without a region, they must start with a country code. Spaces, dashes, dots,
    /// parentheses, a slash after the area code, an apostrophe in front and invisible marks do not matter. Digits may
    /// be of any script.
    ///
    /// # Errors
    /// A problem for the report: `no_number`, `spreadsheet_number` (a spreadsheet changed it) or `bad_number`.
    pub fn normalise(&self, text: &str) -> Result<Phone, RowProblem> {
        self.read(text).map_err(RowProblem::from)
    }

    fn read(&self, text: &str) -> Result<Phone, NumberProblem> {
        if let Some(phone) = self.plain(text) {
            return Ok(phone);
        }
        // What a spreadsheet does to a number it does in every script.
        let ascii = with_ascii_digits(text);
        match self.one(&ascii) {
            Ok(phone) if is_only_digits(&ascii) => Ok(phone),
            // Joined, two numbers next to each other could be that of a stranger.
            Ok(phone) if ascii.len() > COMPLETE && has_gap(&ascii) => match self.several(&ascii) {
                Some(several) => several,
                None if self.begins_with_a_number(&ascii) || self.is_two(&ascii, phone) => {
                    Err(NumberProblem::JoinedNumbers)
                }
                None => Ok(phone),
            },
            Ok(phone) if self.is_two(&ascii, phone) => Err(NumberProblem::JoinedNumbers),
            Ok(phone) => Ok(phone),
            Err(problem) => match extension(&ascii) {
                Some(extension) => Err(NumberProblem::Extension(extension.into())),
                None => self.several(&ascii).unwrap_or(Err(problem)),
            },
        }
    }

    /// Parses a number that has only digits, its country code and no prefix, as most numbers are written: the same as
    /// [`Numbers::one`] does, several times faster. `None` for others.
    fn plain(&self, text: &str) -> Option<Phone> {
        let digits = match text.strip_prefix('+') {
            Some(digits) => digits,
            None if self.home.is_none() => text,
            None => return None,
        };
        let code = self.plans.code_of(digits)?;
        let national = digits.get(code.length..)?;
        (code.allows(national.len()) && !national.starts_with('0')).then(|| Phone::from_digits(digits)).flatten()
    }

    /// Parses a text with several numbers, each of which is complete; `None` for any other text. A slash may be part of
    /// a number, so it separates numbers only if nothing else does, and one between spaces before any other.
    fn several(&self, text: &str) -> Option<Result<Phone, NumberProblem>> {
        [Slashes::None, Slashes::Spaced, Slashes::All]
            .into_iter()
            .find_map(|slashes| self.all_of(&parts(text, slashes)))
    }

    fn all_of(&self, parts: &[&str]) -> Option<Result<Phone, NumberProblem>> {
        let count = u8::try_from(parts.len()).ok().filter(|count| (2..=MOST_NUMBERS).contains(count))?;
        let phones: Vec<Phone> = parts.iter().map(|part| self.complete_one(part)).collect::<Option<_>>()?;
        let first = phones.first().copied().filter(|_| self.first_of_several);
        Some(first.ok_or(NumberProblem::SeveralNumbers(count)))
    }

    /// Whether what is before the first gap is a number by itself, and what follows may not belong to it.
    fn begins_with_a_number(&self, text: &str) -> bool {
        let parts = parts(text, Slashes::None);
        let [first, second, ..] = parts.as_slice() else { return false };
        let is_long = first.bytes().filter(u8::is_ascii_digit).count() > COMPLETE;
        (is_long || second.starts_with('0')) && self.complete_one(first).is_some()
    }

    /// Whether a long number is two of one country next to each other, the second with the national prefix: `0301234
    /// 0301235`.
    fn is_two(&self, text: &str, phone: Phone) -> bool {
        text.len() > USUAL
            && before_zeros(text).any(|(first, second)| phone.digits().len() > USUAL && self.are_two(first, second))
    }

    fn are_two(&self, first: &str, second: &str) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (before, after) = (digits(first), digits(second));
        // Shorter parts are usually groups of one number.
        let are_long = before.len() >= COMPLETE && after.len() >= COMPLETE;
        if !are_long && !share_area(first, second) {
            return false;
        }
        let code = self.one(first).ok().and_then(|phone| self.plans.code_of(&phone.digits()));
        code.is_some_and(|code| self.complete(&format!("{}{after}", code.code)).is_ok())
    }

    fn complete_one(&self, text: &str) -> Option<Phone> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        self.one(text).ok().filter(|_| digits >= COMPLETE)
    }

    /// Parses a text with ASCII digits as one number.
    fn one(&self, text: &str) -> Result<Phone, NumberProblem> {
        let is_around = |c: char| (is_formatting(c) || c.is_whitespace()) && !matches!(c, '(' | ')' | '.' | '-');
        let text = text.trim_matches(is_around);
        let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
        if text.is_empty() {
            return Err(NumberProblem::Empty);
        }
        if !is_only_digits(text) {
            what_a_spreadsheet_did(text)?;
        }
        let (digits, plus) = match digits_of(text) {
            Err(NumberProblem::TwoNumbers) => return self.mobile_with_zero(text).ok_or(NumberProblem::TwoNumbers),
            read => read?,
        };
        if digits.is_empty() {
            return Err(NumberProblem::NoDigits);
        }
        if plus {
            return self.international(&digits, false);
        }
        match (digits.strip_prefix("00"), &self.home) {
            (Some(rest), None) => self.international(rest, false),
            (Some(rest), Some(home)) => self.behind_00(home, &digits, rest),
            (None, Some(home)) => self.national(home, &digits),
            (None, None) if digits.starts_with('0') => Err(NumberProblem::National),
            (None, None) => self.international(&digits, true),
        }
    }

    /// Parses a mobile number whose digits after the slash start with 0: `0151/04117083`. A rest that could itself
    /// start with a mobile prefix (`0151/0171234`) may be a second number, and so may any after an area that is a
    /// number itself.
    fn mobile_with_zero(&self, text: &str) -> Option<Phone> {
        let (home, (area, rest)) = (self.home.as_ref()?, area_and_zero(text)?);
        let prefix = home.plan.national_prefix();
        let may_be_two = area.get(1..2) == rest.get(1..2) || self.national(home, area).is_ok();
        if prefix != "0" || may_be_two {
            return None;
        }
        let mobile = |digits: &str| self.national(home, digits).ok().filter(|phone| home.is_mobile(*phone));
        mobile(&format!("{area}{rest}")).filter(|_| mobile(rest).is_none())
    }

    /// Parses a number that is marked as international.
    fn international(&self, digits: &str, may_be_national: bool) -> Result<Phone, NumberProblem> {
        self.complete(digits).map_err(|why| NumberProblem::International { why, may_be_national })
    }

    /// Checks a country code and a number against the numbering plans.
    fn complete(&self, digits: &str) -> Result<Phone, Misfit> {
        if digits.starts_with('0') {
            return Err(Misfit::CodeWith0);
        }
        let Some(code) = self.plans.code_of(digits) else {
            let start: String = digits.chars().take(3).collect();
            return Err(Misfit::NoCode(start.into()));
        };
        let (prefix, written) = digits.split_at(code.length);
        let number = code.without_prefix(written).unwrap_or(written);
        let zero = number.starts_with('0') && !code.keeps_zero();
        if zero && !code.national_prefix().starts_with('0') {
            return Err(Misfit::ZeroAfterCode(code.code));
        }
        if !code.allows(number.len()) {
            return Err(Misfit::Length { code: code.code, lengths: code.lengths(), digits: number.len() });
        }
        if zero {
            return Err(Misfit::DigitMissing(code.code));
        }
        if number.len() == written.len() { phone(digits) } else { phone(&format!("{prefix}{number}")) }
    }

    /// Parses digits that start with `00`, followed by `rest`. The region's own international prefix may start in the
    /// same way: in Hong Kong, `001` is one too.
    fn behind_00(&self, home: &Home, digits: &str, rest: &str) -> Result<Phone, NumberProblem> {
        let usual = self.international(rest, false);
        match (usual, self.dialled(home, digits)) {
            (Ok(usual), Some((length, other))) if usual != other && (!home.is_valid(usual) || home.is_valid(other)) => {
                let prefix = digits.get(..length).unwrap_or_default();
                Err(NumberProblem::TwoPrefixes(prefix.into()))
            }
            (Err(_), Some((_, other))) => Ok(other),
            (usual, _) => usual,
        }
    }

    /// Returns the number after an international prefix of the region that is longer than `00`, and the prefix's
    /// length.
    fn dialled(&self, home: &Home, digits: &str) -> Option<(usize, Phone)> {
        let behind = |length: usize| self.complete(digits.get(length..)?).ok();
        let lengths = MIN_DIAL_PREFIX..=5;
        // The library knows the prefixes, but is needed only in ambiguous cases.
        lengths.clone().find_map(behind)?;
        let number = home.library.parse_and_keep_raw_input(digits, Some(home.region)).ok()?;
        if number.country_code_source() != CountryCodeSource::FromNumberWithIdd {
            return None;
        }
        let expected = format!("{}{}", number.country_code, national_digits(&number));
        let phone = |length| behind(length).filter(|phone| phone.digits() == expected).map(|phone| (length, phone));
        lengths.clone().find_map(phone)
    }

    /// Parses digits that are not marked as international, in a campaign with a region.
    fn national(&self, home: &Home, digits: &str) -> Result<Phone, NumberProblem> {
        let local = || home.parse(digits).and_then(|number| Some((self.local(home, digits, &number)?, number)));
        if digits.starts_with(&home.prefix) {
            let whole = self.with_code(home, digits);
            return match whole {
                Some(phone) if !home.plan.allows(digits.len()) => Ok(phone),
                _ => home.choose(digits, whole, local()),
            };
        }
        // In some regions, numbers start like an international prefix (mobile numbers in Egypt with 011), and their
        // lengths match by chance.
        let abroad = home.dial.as_deref().and_then(|dial| self.complete(digits.strip_prefix(dial)?).ok());
        let abroad = abroad.filter(|abroad| home.is_valid(*abroad));
        match (local(), abroad) {
            (Some((local, _)), Some(abroad)) if local != abroad => Err(NumberProblem::NationalOrAbroad),
            (Some((_, number)), _) if home.lacks_a_digit_of_the_code(digits, &number) => {
                Err(home.incomplete(Doubt::CodeDigitMissing))
            }
            (Some((phone, _)), _) | (None, Some(phone)) => Ok(phone),
            (None, None) => Err(home.no_number(digits)),
        }
    }

    /// Parses the region's own country code and a number. A national prefix between them could also be a digit of a
    /// number with another digit missing, so it is removed only if that leaves a mobile number.
    fn with_code(&self, home: &Home, digits: &str) -> Option<Phone> {
        let phone = self.complete(digits).ok()?;
        (phone.digits() == digits || home.is_mobile(phone)).then_some(phone)
    }

    /// Returns the number that the library parsed, if the digits are that number, with or without the national prefix,
    /// or in the region's notation. Other changes by the library (added area codes, removed carrier digits) could
    /// result in another person's number.
    fn local(&self, home: &Home, digits: &str, number: &PhoneNumber) -> Option<Phone> {
        if number.country_code != i32::from(home.plan.code) {
            return None;
        }
        let rest = national_digits(number);
        let prefixed = || digits.strip_prefix(home.plan.national_prefix()) == Some(&rest);
        let formatted = || {
            let format = home.library.format(number, PhoneNumberFormat::National);
            format.chars().filter(char::is_ascii_digit).eq(digits.chars())
        };
        if digits != rest && !prefixed() && !formatted() || !home.is_of_the_region(&rest) {
            return None;
        }
        self.complete(&format!("{}{rest}", home.prefix)).ok()
    }
}

impl Home {
    fn new(library: Arc<PhoneNumberUtil>, plans: &Plans, name: &str) -> Option<Self> {
        let region = Region::from_code(name).ok()?;
        let prefix = library.get_country_code_for_region(region)?.to_string();
        let plan = plans.code_of(&prefix)?;
        let dial = dial_prefix(&library, region, &prefix);
        Some(Self { library, region, plan, prefix, dial })
    }

    /// Parses digits with the library, after the country code. Parsing them as national would remove anything that
    /// looks like a country code or an international prefix.
    fn parse(&self, digits: &str) -> Option<PhoneNumber> {
        self.library.parse(format!("+{}{digits}", self.prefix), None).ok()
    }

    /// Whether a national number can belong to the region, if two regions share a country code and a length. After 7,
    /// numbers of Kazakhstan start with 6 or 7, and those of Russia do not: a number of one with a missing digit could
    /// be one of the other.
    fn is_of_the_region(&self, national: &str) -> bool {
        self.prefix != "7" || national.starts_with(['6', '7']) == (self.region == Region::KZ)
    }

    fn is_valid(&self, phone: Phone) -> bool {
        let number = self.library.parse(format!("+{}", phone.digits()), None);
        number.is_ok_and(|number| self.library.is_valid_number(&number))
    }

    fn is_mobile(&self, phone: Phone) -> bool {
        let number = self.library.parse(format!("+{}", phone.digits()), None);
        number.is_ok_and(|number| self.is_mobile_number(&number))
    }

    fn is_mobile_number(&self, number: &PhoneNumber) -> bool {
        matches!(self.library.get_number_type(number), PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile)
    }

    /// Chooses between two interpretations of digits that start with the country code: `whole`, the code and a number;
    /// or `local`, a national number.
    fn choose(
        &self,
        digits: &str,
        whole: Option<Phone>,
        local: Option<(Phone, PhoneNumber)>,
    ) -> Result<Phone, NumberProblem> {
        let code = || self.prefix.as_str().into();
        let (local, number) = match (whole, local) {
            (None, None) => return Err(self.no_number(digits)),
            (Some(whole), None) => return Ok(whole),
            (Some(whole), Some((local, _))) if whole == local => return Ok(whole),
            (_, Some(local)) => local,
        };
        match (whole.filter(|whole| self.is_valid(*whole)), self.is_mobile_number(&number)) {
            (Some(whole), false) if self.is_mobile(whole) || !self.library.is_valid_number(&number) => Ok(whole),
            // After a code of one digit, every number with a missing digit is as long as a national one.
            (None, true) if self.prefix.len() > 1 => Ok(local),
            (None, false) => Err(self.incomplete(Doubt::RestTooShort(code()))),
            _ => Err(self.incomplete(Doubt::CodeOrNational(code()))),
        }
    }

    /// Whether digits without a prefix look like a country code with a missing digit and a number, and are not a mobile
    /// number.
    fn lacks_a_digit_of_the_code(&self, digits: &str, number: &PhoneNumber) -> bool {
        let code = &self.prefix;
        let lacks = |at: usize| {
            let (start, rest) = (code.get(..at)?, code.get(at + 1..)?);
            Some(self.plan.allows(digits.strip_prefix(start)?.strip_prefix(rest)?.len()))
        };
        code.len() > 1
            && (0..code.len()).any(|at| lacks(at) == Some(true))
            && national_digits(number) == digits
            && !self.is_mobile_number(number)
    }

    /// Returns the problem of a number that is ambiguous without the country code or the national prefix.
    fn incomplete(&self, how: Doubt) -> NumberProblem {
        NumberProblem::Incomplete { how, prefix: self.plan.national_prefix().into() }
    }

    /// Returns why digits are not a number of the region.
    fn no_number(&self, digits: &str) -> NumberProblem {
        let region = self.region.to_string().into();
        let has_zero = self.plan.keeps_zero() || self.plan.national_prefix().starts_with('0');
        if digits.starts_with('0') && !has_zero {
            NumberProblem::StartsWith0 { region }
        } else {
            NumberProblem::NotOfRegion { region, code: self.plan.code, lengths: self.plan.lengths() }
        }
    }
}

/// Returns the international prefix of a region, as the library formats it for a foreign number.
fn dial_prefix(library: &PhoneNumberUtil, region: Region, code: &str) -> Option<String> {
    let foreign = library.parse(if code == "44" { "+85268411234" } else { "+447911123456" }, None).ok()?;
    let written = library.format_out_of_country_calling_number(&foreign, region);
    let prefix: String = written.split(' ').next()?.chars().filter(char::is_ascii_digit).collect();
    (!written.starts_with('+') && prefix.len() >= MIN_DIAL_PREFIX).then_some(prefix)
}

/// Whether a text is digits, with or without `+` in front: one number, which no spreadsheet changed. Most are.
fn is_only_digits(text: &str) -> bool {
    text.strip_prefix('+').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the digits after the country code.
fn national_digits(number: &PhoneNumber) -> String {
    rlibphonenumber::get_national_significant_number_owned(number)
}

fn phone(digits: &str) -> Result<Phone, Misfit> {
    Phone::from_digits(digits).ok_or(Misfit::TooLong(digits.len()))
}

#[cfg(test)]
mod tests;
