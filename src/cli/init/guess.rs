//! A value of the campaign, and why it was chosen if nobody gave one.

/// How the comment at a guess starts.
pub(super) const GUESSED: &str = "# guessed: ";
/// How the comment at a gap starts.
pub(super) const TO_DO: &str = "# to do: ";

/// A value of the campaign.
pub(super) struct Guess<T> {
    pub(super) value: T,
    /// The reason, if it is a guess: one line for the file. `check` shows it.
    pub(super) why: Option<String>,
}

impl<T> Guess<T> {
    /// Returns a value that somebody gave.
    pub(super) fn given(value: T) -> Self {
        Self { value, why: None }
    }

    /// Returns a guess.
    pub(super) fn made(value: T, why: String) -> Self {
        Self { value, why: Some(why) }
    }
}

/// Returns the lines of a campaign file, from 1, at which `init` left a guess or a gap, and what it wrote there.
pub(in crate::cli) fn open_points(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let comment = |line: &str| [GUESSED, TO_DO].iter().find_map(|mark| line.find(mark)).map(|at| at + "# ".len());
    text.lines().zip(1..).filter_map(move |(line, number)| Some((number, line.get(comment(line)?..)?)))
}
