//! Formats numbers: digits, grouping, percent, scientific notation, and text around and between the digits.

use super::decimal::Decimal;
use super::tokens::FormatToken;

/// A part of a format for numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// A digit: `0` is always displayed, `#` if there is one, `?` as a space if there is none.
    Digit(char),
    Point,
    /// `E`, and whether a positive exponent has a sign.
    Exponent(bool),
    /// The number as it looks without a format.
    General,
}

/// A format for numbers.
pub(super) struct NumberSection {
    parts: Vec<Part>,
    /// Whether thousands are separated.
    is_grouped: bool,
    /// The power of ten by which numbers are multiplied, for percent and thousands.
    power: i32,
}

impl NumberSection {
    /// Returns `None` if the format cannot be displayed exactly.
    pub(super) fn new(tokens: &[FormatToken]) -> Option<Self> {
        let mut section = Self { parts: Vec::new(), is_grouped: false, power: 0 };
        let is_digit = |token: Option<&FormatToken>| matches!(token, Some(FormatToken::Code('0' | '#' | '?')));
        let last_digit = tokens.iter().rposition(|token| is_digit(Some(token)));
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = tokens.get(at + 1..).unwrap_or_default();
            let part = match token {
                FormatToken::Literal(c) => Some(Part::Literal(*c)),
                FormatToken::Bracket(inside) => {
                    section.bracket(inside)?;
                    None
                }
                FormatToken::Code(digit @ ('0' | '#' | '?')) => Some(Part::Digit(*digit)),
                FormatToken::Code('.') if !section.parts.contains(&Part::Point) => Some(Part::Point),
                FormatToken::Code(',') if section.has_digits() && last_digit.is_some_and(|last| last > at) => {
                    // A comma before the point scales like one at the end.
                    let next = rest.iter().find(|token| !matches!(token, FormatToken::Code(',')));
                    match (section.parts.contains(&Part::Point), is_digit(next)) {
                        (false, true) => section.is_grouped = true,
                        (false, false) => section.power -= 3,
                        (true, _) => return None,
                    }
                    None
                }
                FormatToken::Code(',') if section.has_digits() => {
                    section.power -= 3;
                    None
                }
                FormatToken::Code('%') => {
                    section.power += 2;
                    Some(Part::Literal('%'))
                }
                FormatToken::Code('E' | 'e') => {
                    at += 1;
                    match rest.first() {
                        Some(FormatToken::Code('+')) => Some(Part::Exponent(true)),
                        Some(FormatToken::Code('-')) => Some(Part::Exponent(false)),
                        _ => return None,
                    }
                }
                FormatToken::Code('G' | 'g') => {
                    let mut letters = rest.iter();
                    let is_general = "eneral".chars().all(
                        |wanted| matches!(letters.next(), Some(FormatToken::Code(c)) if c.eq_ignore_ascii_case(&wanted)),
                    );
                    at += is_general.then_some("eneral".len())?;
                    Some(Part::General)
                }
                FormatToken::Code(c) if "$-+()!^&'~{}<>=: ".contains(*c) || !c.is_ascii() => Some(Part::Literal(*c)),
                FormatToken::Code(_) => return None,
            };
            section.parts.extend(part);
            at += 1;
        }
        section.is_supported().then_some(section)
    }

    fn bracket(&mut self, inside: &str) -> Option<()> {
        const COLOURS: [&str; 8] = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"];
        let lower = inside.to_ascii_lowercase();
        if let Some(currency) = inside.strip_prefix('$') {
            let symbol = currency.split_once('-').map_or(currency, |(symbol, _)| symbol);
            self.parts.extend(symbol.chars().map(Part::Literal));
            return Some(());
        }
        (COLOURS.contains(&lower.as_str()) || lower.starts_with("color")).then_some(())
    }

    fn has_digits(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Digit(_)))
    }

    /// Whether the digits are in a place that can be displayed.
    fn is_supported(&self) -> bool {
        let digits = |parts: &[Part]| parts.iter().filter(|part| matches!(part, Part::Digit(_))).count();
        let place = |wanted: fn(&Part) -> bool| self.parts.iter().position(wanted);
        let point = place(|part| *part == Part::Point);
        let exponent = place(|part| matches!(part, Part::Exponent(_)));
        let general = place(|part| *part == Part::General);
        let whole = point.or(exponent).unwrap_or(self.parts.len());
        match (general, exponent) {
            (Some(_), _) => !self.has_digits() && point.is_none() && exponent.is_none() && self.power == 0,
            // With more digits, the exponent is a multiple of their number.
            (None, Some(exponent)) => {
                digits(self.parts.get(..whole).unwrap_or_default()) == 1
                    && digits(self.parts.get(exponent..).unwrap_or_default()) > 0
                    && point.is_none_or(|point| point < exponent)
                    && self.power == 0
            }
            (None, None) => point.is_none() || self.has_digits(),
        }
    }

    /// Returns the text of a number, without its sign, and whether any digit of it is not 0.
    pub(super) fn text(&self, value: f64) -> (String, bool) {
        let number = Decimal::new(value).shifted(self.power);
        if self.parts.contains(&Part::General) {
            let general = number.general();
            let parts = self.parts.iter().map(|part| match part {
                Part::General => general.clone(),
                Part::Literal(c) => c.to_string(),
                _ => String::new(),
            });
            return (parts.collect(), general != "0");
        }
        let exponent = self.parts.iter().position(|part| matches!(part, Part::Exponent(_)));
        let (mantissa, after) = self.parts.split_at(exponent.unwrap_or(self.parts.len()));
        let point = mantissa.iter().position(|part| *part == Part::Point).unwrap_or(mantissa.len());
        let (before, behind) = mantissa.split_at(point);
        let decimals = behind.iter().filter(|part| matches!(part, Part::Digit(_))).count();
        let mut power = number.power();
        let (mut whole, mut fraction) = match exponent {
            Some(_) => number.clone().shifted(-power).rounded(decimals),
            None => number.rounded(decimals),
        };
        if exponent.is_some() && whole.len() > 1 {
            power += 1;
            (whole, fraction) = number.shifted(-power).rounded(decimals);
        }
        let is_zero = whole.is_empty() && fraction.bytes().all(|digit| digit == b'0');
        let mut text = self.whole(before, &whole);
        push_fraction(&mut text, behind, &fraction);
        if let Some((Part::Exponent(sign), digits)) = after.split_first() {
            text.push_str(match (power < 0, sign) {
                (true, _) => "E-",
                (false, true) => "E+",
                (false, false) => "E",
            });
            text.push_str(&self.whole(digits, &power.unsigned_abs().to_string()));
        }
        (text, !is_zero)
    }

    /// Lays out the digits before the point; the first place takes all digits that have none of their own.
    fn whole(&self, parts: &[Part], digits: &str) -> String {
        let places = parts.iter().filter(|part| matches!(part, Part::Digit(_))).count();
        let mut text = String::new();
        let mut left = places;
        let push = |text: &mut String, digit: char, after: usize| {
            text.push(digit);
            if self.is_grouped && after > 0 && after.is_multiple_of(3) && digit.is_ascii_digit() {
                text.push(',');
            }
        };
        for part in parts {
            match part {
                Part::Literal(c) => text.push(*c),
                Part::Digit(kind) => {
                    let is_first = left == places;
                    left -= 1;
                    if is_first && digits.len() > places {
                        let (surplus, _) = digits.split_at(digits.len() - left);
                        for (index, digit) in surplus.chars().enumerate() {
                            push(&mut text, digit, digits.len() - 1 - index);
                        }
                        continue;
                    }
                    let digit = digits.len().checked_sub(left + 1).and_then(|at| digits.get(at..=at));
                    match (digit.and_then(|digit| digit.chars().next()), kind) {
                        (Some(digit), _) => push(&mut text, digit, left),
                        (None, '0') => push(&mut text, '0', left),
                        (None, '?') => text.push(' '),
                        (None, _) => {}
                    }
                }
                Part::Point | Part::Exponent(_) | Part::General => {}
            }
        }
        text
    }
}

/// Appends the point, the digits after it, and the text between and after them.
fn push_fraction(text: &mut String, parts: &[Part], digits: &str) {
    let significant = digits.trim_end_matches('0').len();
    let mut digits = digits.chars().enumerate();
    for part in parts {
        match part {
            Part::Literal(c) => text.push(*c),
            Part::Point => text.push('.'),
            Part::Digit(kind) => match (digits.next(), kind) {
                (Some((at, digit)), kind) if at < significant || *kind == '0' => text.push(digit),
                (_, '?') => text.push(' '),
                _ => {}
            },
            Part::Exponent(_) | Part::General => {}
        }
    }
}
