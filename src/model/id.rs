//! Ids, each with its own type, so that they cannot be confused.

use std::fmt;
use std::str::FromStr;

/// A run's public id, `name-N`: the N-th run of the campaign `name` in one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId {
    name: String,
    number: u32,
}

impl RunId {
    /// Returns the id of the `number`-th run of the campaign `name`; numbers start at 1.
    #[must_use]
    pub fn new(name: impl Into<String>, number: u32) -> Self {
        Self { name: name.into(), number }
    }

    /// Returns the campaign's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns which run of that campaign this is, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.number)
    }
}

/// A text that is not a run id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a run id; write NAME-N, such as {example}-1", example = example(.0))]
pub struct BadRunId(pub String);

/// Returns the text without an extension, in case it is the name of a campaign or its file.
fn example(text: &str) -> &str {
    let name = text.strip_suffix(".yaml").unwrap_or(text);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if is_name { name } else { "spring-sale" }
}

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadRunId(text.to_owned());
        let (name, number) = text.rsplit_once('-').ok_or_else(bad)?;
        let number = number.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(bad)?;
        if name.is_empty() {
            return Err(bad());
        }
        Ok(Self::new(name, number))
    }
}

/// A record's number in the input: 1 for the first after the header. Not the line number, since a quoted cell
/// may span lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowNumber(pub u64);

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an attempt of a row, from 1 over its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptNumber(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_reads_back_as_written() {
        let id = RunId::new("spring-sale-2", 7);
        assert_eq!(id.to_string(), "spring-sale-2-7");
        assert_eq!("spring-sale-2-7".parse::<RunId>(), Ok(id));
    }

    #[test]
    fn what_is_not_a_run_id_says_how_one_looks() {
        for text in ["", "spring", "-1", "spring-0", "spring-x", "spring-"] {
            let error = text.parse::<RunId>().unwrap_err();
            assert!(error.to_string().contains("NAME-N"), "{text}: {error}");
        }
    }
}
