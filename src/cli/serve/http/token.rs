//! The token that changing something takes, and any other secret that a request has to bring.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::cli::error::{CliError, Exit};

/// The variable that holds it.
const VARIABLE: &str = "CAMPAIGNER_TOKEN";
/// Characters of a token at least.
const SHORTEST: usize = 16;

/// A token, kept as its digest alone.
#[derive(Clone)]
pub(in crate::cli) struct Token([u8; 32]);

/// The token of the surroundings, if there is one.
pub(in crate::cli) fn token() -> Result<Option<Token>, CliError> {
    Token::of_variable(VARIABLE, VARIABLE)
}

impl Token {
    /// What this variable holds, if anything; `name` is how it is called.
    pub(in crate::cli) fn of_variable(variable: &str, name: &str) -> Result<Option<Self>, CliError> {
        match std::env::var(variable) {
            Ok(text) => Self::new(name, &text),
            Err(std::env::VarError::NotPresent) => Ok(None),
            // The error's own words hold the secret.
            Err(_) => Err(CliError::new(Exit::Wrong, format!("{name} is not text in UTF-8"))),
        }
    }

    /// A token from its text, if there is any; `name` is where it stands.
    pub(in crate::cli) fn new(name: &str, text: &str) -> Result<Option<Self>, CliError> {
        match text.trim() {
            "" => Ok(None),
            text if text.len() >= SHORTEST => Ok(Some(Self::of(text))),
            _ => Err(CliError::new(
                Exit::Wrong,
                format!("{name} is too short to keep anybody out: give it {SHORTEST} characters or more"),
            )),
        }
    }

    fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether this is the token. It takes the same time whatever it is instead: digests of equal length are compared
    /// to their end.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.iter().zip(Self::of(text).0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// Whether the request has the token.
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
