//! The token that changing something takes.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::super::super::exit::{Exit, Failure};

/// The variable that holds it.
const VARIABLE: &str = "CAMPAIGNER_TOKEN";
/// Characters of a token at least.
const SHORTEST: usize = 16;

/// A token, kept as its digest alone.
#[derive(Clone)]
pub(in super::super) struct Token([u8; 32]);

/// The token of the surroundings, if there is one.
pub(in super::super) fn token() -> Result<Option<Token>, Failure> {
    match std::env::var(VARIABLE) {
        Ok(text) if text.trim().len() >= SHORTEST => Ok(Some(Token::of(text.trim()))),
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(_) => Err(Failure::new(
            Exit::Wrong,
            format!("{VARIABLE} is too short to keep anybody out: give it {SHORTEST} characters or more"),
        )),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(Failure::new(Exit::Wrong, format!("{VARIABLE}: {error}"))),
    }
}

impl Token {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether the request has the token. It takes the same time whatever it has instead: digests of equal length are
    /// compared to their end.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let other = Self::of(given.trim());
        self.0.iter().zip(other.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
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
