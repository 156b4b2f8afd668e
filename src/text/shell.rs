//! Words of a shell command.

use std::borrow::Cow;

/// Returns a text as one word of a shell command: in single quotes if it could be read as anything else.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:@%+=,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for (text, word) in [
            ("campaigns/spring-sale.yaml", "campaigns/spring-sale.yaml"),
            ("客户.yaml", "客户.yaml"),
            ("my lists/a.yaml", "'my lists/a.yaml'"),
            ("Ana's $x", r"'Ana'\''s $x'"),
            ("~/a", "'~/a'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
