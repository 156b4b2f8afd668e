//! Campaign files: YAML in, a validated [`Campaign`] out, or every problem at once.
//!
//! Each problem has its line and column, the line itself, and what to do about it; see [`FileProblem`]. What is
//! read once can be frozen into one text, kept, and thawed again ([`freeze`], [`thaw`]), so that a run does not
//! depend on the file any more. This module reads campaign files and nothing else: not the recipients' CSV, not
//! the configuration, and it does not know what a provider makes of a message.

mod decode;
mod frozen;
mod inline_rows;
mod message_block;
mod schedule;
mod section;
mod timing;
mod values;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::model::Campaign;
use crate::yaml::{self, FileKind};

pub use crate::yaml::{Document, FileError as CampaignError, FileProblem, FileProblems, Place, Places};
pub use frozen::{ThawError, fingerprint, freeze, thaw};
pub use values::{BadValue, parse_concurrency, parse_duration, parse_rate};

/// Campaign files, as their problems speak of them.
static CAMPAIGN: FileKind = FileKind {
    name: "campaign",
    needs: "a campaign needs `name`, `provider`, `channel`, `recipients` and `message`",
    too_large: "put the recipients into a CSV file",
    cells: &["recipients", "rows"],
};

/// A campaign, and its file to show problems in.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the file means.
    pub campaign: Campaign,
    /// Where the parts of the message are.
    pub places: Places,
    /// The file's text.
    pub document: Document,
}

/// Reads a campaign file.
///
/// # Errors
///
/// If the file cannot be read, is larger than [`yaml::MAX_BYTES`], or is not a right campaign.
pub fn read(path: &Path) -> Result<Loaded, CampaignError> {
    parse(&yaml::read(path, &CAMPAIGN)?, path)
}

/// Reads a campaign from a text. `path` is where the text is from: it is named in problems, and the path of a
/// CSV is relative to its folder.
///
/// # Errors
///
/// If the text is not a right campaign.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, CampaignError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let decode = |root: &yaml::Node<'_>, problems: &mut yaml::Found| decode::campaign(root, folder, problems);
    let ((campaign, places), document) = yaml::parse(text, path, &CAMPAIGN, decode)?;
    Ok(Loaded { campaign, places, document })
}
