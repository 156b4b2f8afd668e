//! Campaign files: parses YAML into a validated [`Campaign`], or reports every problem at once.
//!
//! Each problem has a line, a column and a hint; see [`FileProblem`]. A campaign can be frozen into text, stored and
//! thawed again ([`freeze`], [`thaw`]), so that a run no longer depends on the file. This module reads only campaign
//! files: not the recipients' CSV, not the configuration. It does not know what a provider does with a message.

mod decode;
mod frozen;
mod inline_rows;
mod message_block;
mod recipients;
mod renamed_columns;
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
pub use schedule::{parse_start, parse_time_zone};
pub use values::{
    BadValue, name_from, parse_concurrency, parse_duration, parse_encoding, parse_name, parse_rate, parse_region,
};

/// How problems refer to campaign files.
static CAMPAIGN: FileKind = FileKind {
    name: "campaign",
    needs: "a campaign needs `name`, `provider`, `channel`, `recipients` and `message`",
    too_large: "move the recipients to a CSV file",
    cells: &["recipients", "rows"],
};

/// A campaign, with its file for showing problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The campaign.
    pub campaign: Campaign,
    /// Where the values are that only other modules can check.
    pub values: ValuePlaces,
    /// Where the parts of the message are.
    pub places: Places,
    /// The file's text.
    pub document: Document,
}

/// Where the values are that depend on more than the campaign file.
#[derive(Clone, Copy, Debug)]
pub struct ValuePlaces {
    /// That of `provider`.
    pub provider: Place,
    /// That of `channel`.
    pub channel: Place,
    /// That of `recipients.to`.
    pub to: Place,
    /// That of `recipients.region`.
    pub region: Place,
}

/// Reads a campaign file.
///
/// # Errors
///
/// When the file cannot be read, is larger than [`yaml::MAX_BYTES`], or is not a valid campaign.
pub fn read(path: &Path) -> Result<Loaded, CampaignError> {
    parse(&yaml::read(path, &CAMPAIGN)?, path)
}

/// Reads a campaign from text. `path` is where the text is from: problems show it, and the path of a CSV is relative to
/// its folder.
///
/// # Errors
///
/// When the text is not a valid campaign.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, CampaignError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let decode = |root: &yaml::Node<'_>, problems: &mut yaml::FoundProblems| decode::campaign(root, folder, problems);
    let ((campaign, places, values), document) = yaml::parse(text, path, &CAMPAIGN, decode)?;
    Ok(Loaded { campaign, values, places, document })
}
