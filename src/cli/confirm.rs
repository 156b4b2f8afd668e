//! Questions to the person at the terminal: confirmations before something that cannot be undone, and answers with a
//! default.

use std::io::{self, IsTerminal as _};

use clap::builder::FalseyValueParser;

use crate::cli::error::{CliError, Exit};
use crate::cli::output::console;

/// `--yes`, for every command that asks.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct Confirm {
    /// Do not ask for confirmation
    #[arg(long, env = "CAMPAIGNER_YES", value_parser = FalseyValueParser::new())]
    yes: bool,
}

impl Confirm {
    /// Returns whether there is a question: the user has not agreed in advance, and can be asked.
    pub(in crate::cli) fn can_ask(self) -> bool {
        !self.yes && can_ask()
    }

    /// Returns whether the user agrees: in advance, or by answering `y` or `yes`. `None` if nobody can be asked.
    pub(in crate::cli) fn ask(self, question: &str) -> Option<bool> {
        if self.yes {
            return Some(true);
        }
        can_ask().then(|| ask(question))
    }

    /// Requires that the user agrees.
    ///
    /// # Errors
    /// When the user does not, or nobody can be asked.
    pub(in crate::cli) fn require(self, question: &str) -> Result<(), CliError> {
        match self.ask(question) {
            Some(true) => Ok(()),
            Some(false) => Err(CliError::new(Exit::Wrong, "nothing was done")),
            None => Err(CliError::new(
                Exit::Wrong,
                format!(
                    "{question}\n  nothing was done, because standard input or standard error is not a \
                     terminal; to confirm, pass --yes"
                ),
            )),
        }
    }
}

/// Returns whether a person can be asked: standard input and standard error are terminals.
pub(in crate::cli) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for an answer; an empty line means `default`. Returns `None` if there is no answer: standard input was closed.
pub(in crate::cli) fn prompt(question: &str, default: &str) -> Option<String> {
    let default_shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let answer = answer_to(&format!("{question}{default_shown}: "))?;
    Some(if answer.is_empty() { default.to_owned() } else { answer })
}

/// Asks the user; returns true for `y` or `yes`.
fn ask(question: &str) -> bool {
    matches!(answer_to(&format!("{question} [y/N] ")).as_deref(), Some("y" | "Y" | "yes" | "Yes" | "YES"))
}

/// Shows a question and reads one line. Returns `None` if standard input ends before the line does.
fn answer_to(question: &str) -> Option<String> {
    console::question(question);
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if !answer.ends_with('\n') {
        // Ctrl-D leaves the cursor after the question.
        console::end_of_question();
        return None;
    }
    read.ok().map(|_| answer.trim().to_owned())
}
