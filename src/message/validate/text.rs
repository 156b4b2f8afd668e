//! Checks texts and numbers against their rules.
//!
//! A character is a Unicode scalar value, as everywhere in Rust: an emoji may be several. The provider's documentation
//! does not say whether it counts in the same way.

use serde_json::Value;

use super::check::Check;
use crate::message::path::Path;
use crate::message::schema::describe::shortened;
use crate::message::schema::types::{Number, TextRule};
use crate::model::{MessageProblem, NoParameter};
use crate::text::{bad_character, is_blank};

/// Consecutive spaces that a template parameter must not contain.
const TOO_MANY_SPACES: &str = "     ";

/// Checks a text against its rules; a blank text breaks any.
pub(in crate::message) fn check(check: &mut Check, rules: &[TextRule], text: &str, at: &Path<'_>) {
    if is_blank(text) {
        check.error(at, MessageProblem::EmptyText { blank: !text.is_empty() });
        return;
    }
    for rule in rules {
        match *rule {
            TextRule::Most(most) => {
                if let Some(chars) = longer_than(text, most) {
                    let text = shortened(text);
                    check.error(at, MessageProblem::TooLong { text, chars, most, advised: false, excess: None });
                }
            }
            TextRule::MostAdvised(most) => {
                if let Some(chars) = longer_than(text, most) {
                    let text = shortened(text);
                    check.warning(at, MessageProblem::TooLong { text, chars, most, advised: true, excess: None });
                }
            }
            TextRule::Parameter => {
                if let Some(holds) = not_in_a_parameter(text) {
                    check.error(at, MessageProblem::BadParameter { text: shortened(text), holds });
                }
            }
            TextRule::LineBreaks(most) => {
                let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
                if breaks > most {
                    check.error(at, MessageProblem::TooManyLines { text: shortened(text), breaks, most });
                }
            }
            TextRule::Alphanumeric if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                check.error(at, MessageProblem::NotAlphanumeric { text: shortened(text) });
            }
            // The number is personal and is not shown.
            TextRule::Digits if !text.bytes().all(|byte| byte.is_ascii_digit()) => {
                check.error(at, MessageProblem::NotDigits);
            }
            TextRule::PlusDigits
                if !text
                    .strip_prefix('+')
                    .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())) =>
            {
                check.error(at, MessageProblem::NotInternational);
            }
            TextRule::MessageId if !text.starts_with("wamid.") || text.contains(char::is_whitespace) => {
                check.warning(at, MessageProblem::NoMessageId { text: shortened(text) });
            }
            TextRule::TemplateName
                if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') =>
            {
                check.warning(at, MessageProblem::TemplateName { text: shortened(text) });
            }
            TextRule::Alphanumeric
            | TextRule::Digits
            | TextRule::TemplateName
            | TextRule::PlusDigits
            | TextRule::MessageId => {}
        }
    }
}

/// Checks the characters of every text in a value: some are not allowed anywhere in a message.
pub(in crate::message) fn characters(check: &mut Check, value: &Value, at: &Path<'_>) {
    match value {
        Value::String(text) => {
            if let Some(bad) = bad_character(text) {
                let text = shortened(text);
                let problem = MessageProblem::Character { bad: bad.into(), text: text.clone() };
                check.error(at, problem).value = Some(text);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| characters(check, item, &at.item(index)))
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| characters(check, value, &at.key(key))),
        _ => {}
    }
}

/// Returns the number of characters of a text, if it is more than `most`.
pub(in crate::message) fn longer_than(text: &str, most: usize) -> Option<usize> {
    // A text never has more characters than bytes, and most texts are short.
    (text.len() > most).then(|| text.chars().count()).filter(|chars| *chars > most)
}

fn not_in_a_parameter(text: &str) -> Option<NoParameter> {
    let mut spaces = 0;
    // One pass is enough for nearly all texts.
    let is_fine = text.bytes().all(|byte| {
        spaces = if byte == b' ' { spaces + 1 } else { 0 };
        byte >= b' ' && spaces < TOO_MANY_SPACES.len()
    });
    if is_fine {
        None
    } else if text.contains(['\n', '\r']) {
        Some(NoParameter::LineBreak)
    } else if text.contains('\t') {
        Some(NoParameter::Tab)
    } else if text.contains(TOO_MANY_SPACES) {
        Some(NoParameter::Spaces)
    } else {
        None
    }
}

/// Whether a value is a number within its bounds.
pub(in crate::message) fn is_within(number: &Number, value: &Value) -> bool {
    let (whole, fraction) = match value {
        Value::Number(value) => (value.as_i64(), value.as_f64()),
        Value::String(text) if number.or_text => {
            (text.parse().ok(), text.parse().ok().filter(|value: &f64| value.is_finite()))
        }
        _ => return false,
    };
    match whole {
        Some(whole) => (number.least..=number.most).contains(&whole),
        // The bounds of numbers with a fraction are small, so they are exact as floats.
        None => !number.whole && fraction.is_some_and(|f| number.least as f64 <= f && f <= number.most as f64),
    }
}
