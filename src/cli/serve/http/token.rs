//! The token that changes over HTTP need, and other secrets in requests.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::cli::error::{CliError, Exit};

/// The variable that holds the token.
const VARIABLE: &str = "CAMPAIGNER_TOKEN";
/// The shortest token, in bytes.
const MIN_LENGTH: usize = 16;

/// A token, stored only as its digest.
#[derive(Clone)]
pub(in crate::cli) struct Token([u8; 32]);

/// Returns the token from the environment, if it is set.
pub(in crate::cli) fn token() -> Result<Option<Token>, CliError> {
    Token::of_variable(VARIABLE, VARIABLE)
}

impl Token {
    /// Returns the token in this variable, if it is set; `name` is what errors call the variable.
    pub(in crate::cli) fn of_variable(variable: &str, name: &str) -> Result<Option<Self>, CliError> {
        match std::env::var(variable) {
            Ok(text) => Self::new(name, &text),
            Err(std::env::VarError::NotPresent) => Ok(None),
            // The error itself would quote the secret.
            Err(_) => Err(CliError::new(Exit::Wrong, format!("{name} is not valid UTF-8"))),
        }
    }

    /// Returns the token with this text, unless it is empty; `name` is what errors call its place.
    pub(in crate::cli) fn new(name: &str, text: &str) -> Result<Option<Self>, CliError> {
        match text.trim() {
            "" => Ok(None),
            text if text.len() >= MIN_LENGTH => Ok(Some(Self::of(text))),
            _ => Err(CliError::new(Exit::Wrong, format!("{name} is too short; use at least {MIN_LENGTH} characters"))),
        }
    }

    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Returns whether this is the token. Takes the same time for every text, because digests of equal length are
    /// compared to the end.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.iter().zip(Self::of(text).0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// Returns whether the request has the token.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        self.is(given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = Token::of("correct-horse-battery");
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert!(token.is_in(&with("Bearer correct-horse-battery")));
        for wrong in ["Bearer correct-horse-batter", "Bearer ", "correct-horse-battery", "Basic correct-horse-battery"]
        {
            assert!(!token.is_in(&with(wrong)), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
    }
}
