//! Why a campaign cannot be worked on.

use crate::campaign_file::{FileProblem, Loaded};
use crate::cli::error::{CliError, Exit};
use crate::cli::output::terminal;

/// Why there is no plan.
pub(in crate::cli) enum LoadError {
    /// The message is wrong whatever the row: in the order of the file.
    Wrong(Vec<FileProblem>),
    /// The recipients cannot be read.
    Failed(CliError),
}

impl LoadError {
    /// As a person reads it.
    pub(in crate::cli) fn shown(self, loaded: &Loaded) -> CliError {
        match self {
            Self::Wrong(problems) => CliError::new(Exit::Wrong, loaded.document.tell(&problems))
                .shown(loaded.document.show(&problems, terminal::has_color())),
            Self::Failed(failure) => failure,
        }
    }
}
