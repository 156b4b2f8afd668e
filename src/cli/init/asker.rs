//! Asks the person at the terminal, if there is one.

use crate::cli::confirm;
use crate::cli::error::{CliError, Exit};
use crate::cli::output::console;
use crate::text::escaped_lines;

/// Asks questions, or fails and says which option answers them.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    can_ask: bool,
    pub(super) quiet: bool,
}

impl Asker {
    pub(super) fn new(quiet: bool) -> Self {
        Self { can_ask: confirm::can_ask(), quiet }
    }

    /// Returns whether a person can be asked.
    pub(super) fn can_ask(self) -> bool {
        self.can_ask
    }

    /// Asks until `read` accepts the answer. An empty `default` requires an answer if `read` refuses an empty one.
    ///
    /// # Errors
    /// When standard input is closed.
    pub(super) fn ask<T>(
        self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, CliError> {
        loop {
            let Some(answer) = confirm::prompt(question, default) else {
                return Err(CliError::new(Exit::Wrong, "no answer; nothing was written"));
            };
            match read(&answer) {
                Ok(value) => return Ok(value),
                Err(words) => console::info(&words),
            }
        }
    }

    /// Shows something that the next question is about.
    pub(super) fn show(self, words: &str) {
        console::info(words);
    }
}

/// Returns the error for something that nobody can be asked about.
pub(super) fn missing(what: &str, flag: &str) -> CliError {
    wrong(format!("{what}; pass {flag}"))
}

/// Returns an error before anything was written.
pub(super) fn wrong(words: impl Into<String>) -> CliError {
    CliError::new(Exit::Wrong, words)
}

/// Returns an error that names columns of the list, which may be personal: a log gets only `what`.
pub(super) fn wrong_about_list(what: &str, words: &str) -> CliError {
    CliError::new(Exit::Wrong, what).shown(escaped_lines(words).into_owned())
}

/// Accepts any answer that is not empty.
pub(super) fn not_empty(answer: &str) -> Result<String, String> {
    match answer.is_empty() {
        true => Err("an answer is needed; press Ctrl-C to quit without writing anything".to_owned()),
        false => Ok(answer.to_owned()),
    }
}
