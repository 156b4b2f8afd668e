//! A value of the campaign, and why it was chosen if nobody said it.

use crate::cli::output::console;

/// A value of the campaign.
pub(super) struct Guess<T> {
    pub(super) value: T,
    /// The reason, if it is a guess: one line for the screen and the file.
    pub(super) why: Option<String>,
}

impl<T> Guess<T> {
    /// Returns a value that somebody gave.
    pub(super) fn given(value: T) -> Self {
        Self { value, why: None }
    }

    /// Returns a guess, and names it on the screen.
    pub(super) fn named(value: T, why: String, quiet: bool) -> Self {
        if !quiet {
            // A log gets no names of columns, which may be personal.
            match console::is_log() {
                true => console::info("guessed a value; the comments of the campaign name it"),
                false => console::wrapped_info(&format!("guessed: {why}")),
            }
        }
        Self { value, why: Some(why) }
    }
}
