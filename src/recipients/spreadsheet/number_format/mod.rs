//! Number formats: the text that a spreadsheet displays for a number.
//!
//! `tokens` splits a format, `numbers` and `dates` display what it says, and `decimal` rounds as spreadsheets do. A
//! format that cannot be displayed exactly has no text: the caller warns, and never guesses a phone number.

mod builtin;
mod dates;
mod decimal;
mod numbers;
mod tokens;

use dates::DateFormat;
use decimal::Decimal;
use numbers::NumberSection;
use tokens::FormatToken;

pub(in crate::recipients) use dates::Epoch;

/// A number format.
pub(super) struct NumberFormat {
    code: Box<str>,
    sections: Vec<Section>,
    /// Whether it displays dates or times.
    is_date: bool,
}

/// What one section of a format displays, and for which numbers.
struct Section {
    condition: Option<Condition>,
    kind: Option<Kind>,
}

enum Kind {
    Number(NumberSection),
    Date(DateFormat),
}

/// The longest code. Spreadsheets take 255 characters.
const MAX_CODE: usize = 1000;

type Compare = fn(&f64, &f64) -> bool;
type Condition = (Compare, f64);

impl NumberFormat {
    /// Returns a format that has a number instead of a code.
    pub(super) fn builtin(id: u16) -> Self {
        match (builtin::code(id), id) {
            (Some(code), _) => Self::new(code),
            // Dates and times of East Asia, different ones in each language.
            (None, 27..=36 | 50..=58) => {
                Self { code: format!("format {id}").into(), sections: Vec::new(), is_date: true }
            }
            (None, _) => Self { code: format!("format {id}").into(), sections: Vec::new(), is_date: false },
        }
    }

    pub(super) fn new(code: &str) -> Self {
        if code.len() > MAX_CODE {
            return Self { code: "(longer than 1,000 characters)".into(), sections: Vec::new(), is_date: false };
        }
        let code = if code.is_empty() { "General" } else { code };
        let lower = code.to_ascii_lowercase();
        let sections = match &*lower {
            // The system's long date and time.
            _ if lower.starts_with("[$-f800]") || lower.starts_with("[$-x-sysdate]") => tokens::sections("yyyy-mm-dd"),
            _ if lower.starts_with("[$-f400]") || lower.starts_with("[$-x-systime]") => tokens::sections("hh:mm:ss"),
            _ => tokens::sections(code),
        };
        let mut sections = sections.unwrap_or_default();
        // The section for texts.
        let is_text = |tokens: &Vec<FormatToken>| tokens.contains(&FormatToken::Code('@'));
        if sections.len() == 4 || sections.last().is_some_and(is_text) {
            sections.pop();
            if sections.is_empty() {
                sections = tokens::sections("General").unwrap_or_default();
            }
        }
        let is_date = sections.iter().any(|tokens| dates::is_date(tokens));
        Self { code: code.into(), sections: sections.into_iter().map(Section::new).collect(), is_date }
    }

    /// Returns the format's code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Whether it displays dates or times.
    pub(super) fn is_date(&self) -> bool {
        self.is_date
    }

    /// Returns the text that is displayed for a number; `None` if it is unknown.
    pub(super) fn text(&self, value: f64, epoch: Epoch) -> Option<String> {
        if !value.is_finite() {
            return None;
        }
        let (section, has_sign) = self.section(value)?;
        match section.kind.as_ref()? {
            Kind::Date(dates) => dates.text(value, epoch),
            Kind::Number(number) => {
                let (text, is_not_zero) = number.text(value);
                Some(if has_sign && is_not_zero { format!("-{text}") } else { text })
            }
        }
    }

    /// Returns the section for a number, and whether a negative number gets a sign.
    fn section(&self, value: f64) -> Option<(&Section, bool)> {
        let negative = value < 0.0;
        if self.sections.iter().any(|section| section.condition.is_some()) {
            let fits = |section: &&Section| section.condition.is_none_or(|(compare, limit)| compare(&value, &limit));
            // Where the sign goes depends on the conditions.
            return if negative { None } else { Some((self.sections.iter().find(fits)?, false)) };
        }
        match self.sections.as_slice() {
            [all] => Some((all, negative)),
            [_, below, ..] if negative => Some((below, false)),
            [_, _, zero] if value == 0.0 => Some((zero, false)),
            [above, ..] => Some((above, false)),
            [] => None,
        }
    }

    /// Returns a number as plainly as possible, for a format that cannot be displayed.
    pub(super) fn plain(&self, value: f64, epoch: Epoch) -> String {
        let date = if self.is_date { dates::iso(value, epoch) } else { None };
        date.unwrap_or_else(|| general(value))
    }
}

/// Returns the text of a number without a format.
pub(super) fn general(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", Decimal::new(value).general())
}

/// Whether a displayed number is in scientific notation and lacks digits of a whole number, which the file has in full.
pub(super) fn hides_digits(displayed: &str, value: impl Fn() -> String) -> bool {
    let is_hidden = |value: String| value.bytes().all(|byte| byte.is_ascii_digit()) && !displayed.contains(&value);
    displayed.contains('E') && is_hidden(value())
}

impl Section {
    fn new(mut tokens: Vec<FormatToken>) -> Self {
        let mut condition = None;
        tokens.retain(|token| match token {
            FormatToken::Bracket(inside) => {
                let found = self::condition(inside);
                condition = condition.or(found);
                found.is_none()
            }
            _ => true,
        });
        let kind = match dates::is_date(&tokens) {
            true => DateFormat::new(&tokens).map(Kind::Date),
            false => NumberSection::new(&tokens).map(Kind::Number),
        };
        Self { condition, kind }
    }
}

/// Returns the condition of a section, such as `<=9999999`.
fn condition(inside: &str) -> Option<Condition> {
    let operators: [(&str, Compare); 6] =
        [("<=", f64::le), (">=", f64::ge), ("<>", f64::ne), ("<", f64::lt), (">", f64::gt), ("=", f64::eq)];
    operators.into_iter().find_map(|(sign, compare)| Some((compare, inside.strip_prefix(sign)?.trim().parse().ok()?)))
}

#[cfg(test)]
mod tests;
