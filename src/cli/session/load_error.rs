//! Why a campaign cannot be loaded.

use crate::campaign_file::{FileProblem, Loaded};
use crate::cli::error::{CliError, Exit};
use crate::cli::output::terminal;

/// Why a campaign has no plan.
pub(in crate::cli) enum LoadError {
    /// The campaign file has problems, listed in the order of the file.
    Wrong(Vec<FileProblem>),
    /// Something else failed, such as reading the recipients, the configuration or the store.
    Failed(CliError),
}

impl LoadError {
    /// Converts it to the error that the user sees.
    pub(in crate::cli) fn shown(self, loaded: &Loaded) -> CliError {
        match self {
            Self::Wrong(problems) => CliError::new(Exit::Wrong, loaded.document.tell(&problems))
                .shown(loaded.document.show(&problems, terminal::has_color())),
            Self::Failed(failure) => failure,
        }
    }
}
