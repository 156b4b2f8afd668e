//! Campaign files: YAML in, a validated [`Campaign`] out, or every problem at once.
//!
//! Each problem has its line and column, the line itself, and what to do about it; see [`FileProblem`]. What is
//! read once can be frozen into one text, kept, and thawed again ([`freeze`], [`thaw`]), so that a run does not
//! depend on the file any more. This room reads campaign files and nothing else: not the recipients' CSV, not
//! the configuration, and it does not know what a provider makes of a message.

mod decode;
mod frozen;
mod message;
mod problem;
mod rows;
mod section;
mod syntax;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::model::Campaign;

use problem::Found;

pub use frozen::{ThawError, fingerprint, freeze, thaw};
pub use message::Places;
pub use problem::{CampaignError, Document, FileProblem, FileProblems, Place};
pub use values::{BadValue, parse_duration, parse_rate};

/// The largest campaign file. Rows may be written into it, but a list of this length belongs into a CSV file,
/// which is never held in memory as a whole.
pub const MAX_BYTES: u64 = 16 << 20;

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
/// If the file cannot be read, is larger than [`MAX_BYTES`], or is not a right campaign.
pub fn read(path: &Path) -> Result<Loaded, CampaignError> {
    let read_error = |source| CampaignError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read_error)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CampaignError::TooLarge { path: path.to_owned() });
    }
    match String::from_utf8(bytes) {
        Ok(text) => parse(&text, path),
        Err(error) => Err(not_utf8(path, &error)),
    }
}

/// Reads a campaign from a text. `path` is where the text is from: it is named in problems, and the path of a
/// CSV is relative to its folder.
///
/// # Errors
///
/// If the text is not a right campaign.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, CampaignError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Found::default();
    let folder = path.parent().unwrap_or(Path::new(""));
    let loaded = yaml::read(text, &mut problems).and_then(|root| decode::campaign(&root, folder, &mut problems));
    let document = Document::new(path, text);
    match loaded {
        Some((campaign, places)) if problems.is_empty() => Ok(Loaded { campaign, places, document }),
        _ => Err(CampaignError::wrong(document, problems)),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> CampaignError {
    let valid = error.utf8_error().valid_up_to();
    // Up to the first wrong byte, the readable form is the file itself, byte by byte.
    let text = String::from_utf8_lossy(error.as_bytes());
    let before = &text[..valid];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Place {
        line: small(line),
        column: small(column),
        start: small(valid),
        end: small(valid + '\u{fffd}'.len_utf8()),
    };
    let problem = FileProblem::new("encoding", place, "this file is not UTF-8 text")
        .hint("save it again with the encoding UTF-8");
    let mut problems = Found::default();
    problems.push(problem);
    CampaignError::wrong(Document::new(path, &text), problems)
}
