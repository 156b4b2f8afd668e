//! Words from outside: what a provider, or a proxy, says about a message.

use std::borrow::Cow;
use std::fmt;

use crate::text::{escaped, redact_numbers};

/// A provider's words, stored as received. They often repeat the recipient's number and may contain anything. So
/// `Display` cuts runs of seven or more digits and escapes terminal control characters. The original words are only for
/// classification and the store.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(transparent)]
pub struct ProviderText(String);

impl ProviderText {
    /// Returns the original words, which must never be shown.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.0
    }

    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes a secret from the words.
    pub fn cut(&mut self, secret: &str) {
        if self.0.contains(secret) {
            self.0 = self.0.replace(secret, "…");
        }
    }

    /// Formats such words for display, on one line.
    #[must_use]
    pub fn shown(original: &str) -> Cow<'_, str> {
        const BREAKS: [char; 3] = ['\n', '\r', '\t'];
        let mut text = redact_numbers(original);
        if text.contains(BREAKS) {
            text = Cow::Owned(text.replace(BREAKS, " "));
        }
        match text {
            Cow::Borrowed(text) => escaped(text),
            Cow::Owned(text) => Cow::Owned(escaped(&text).into_owned()),
        }
    }
}

impl From<String> for ProviderText {
    fn from(words: String) -> Self {
        Self(words)
    }
}

impl From<&str> for ProviderText {
    fn from(words: &str) -> Self {
        Self(words.to_owned())
    }
}

impl fmt::Display for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::shown(&self.0))
    }
}

impl fmt::Debug for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl serde::Serialize for ProviderText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns a code that is safe to show and count: a short word, or a number of up to seven digits, like Meta's longest.
/// `None` for anything else that a provider sends as a code.
#[must_use]
pub fn plain_code(code: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    ((1..=64).contains(&code.len()) && code.chars().all(is_plain) && digits <= 7).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_print_without_numbers_and_without_what_acts() {
        let words = "no \u{1b}[31mWhatsApp\u{202e} at +852 6841-1234, 85268411234\n(131026)\u{85}";
        let text = ProviderText::from(words);
        assert_eq!(text.original(), words);
        let shown = "no \\u{1b}[31mWhatsApp\\u{202e} at +…34, …34 (131026)\\u{85}";
        assert_eq!(text.to_string(), shown);
        assert_eq!(format!("{text:?}"), format!("\"{shown}\""));
        assert_eq!(serde_json::to_value(&text).unwrap(), shown);
        assert!(matches!(ProviderText::shown("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_code_is_a_short_word_or_number() {
        for code in ["10001", "-1", "2388040", "131049", "System.LimitControl", "http_502"] {
            assert_eq!(plain_code(code), Some(code));
        }
        for code in ["", "85268411234", "a b", "\u{1b}[2J", "é", "+85268411234", "852-6841-1234", &"x".repeat(65)] {
            assert_eq!(plain_code(code), None, "{code}");
        }
    }
}
