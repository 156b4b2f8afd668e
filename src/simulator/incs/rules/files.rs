//! Links to files. Nothing is downloaded: the documents' limits of size, duration and codec are not checked, and a link
//! whose name does not reveal the file type is accepted.

use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};
use crate::text::any_of;

/// The file name extensions that a channel takes for a kind of file; empty if the documents list none.
pub(super) type Extensions = &'static [&'static str];

/// All known file name extensions, including those that no channel takes. Any other extension, such as `.php`, does not
/// reveal the file type.
const KNOWN_EXTENSIONS: [&str; 38] = [
    "jpeg", "jpg", "png", "gif", "webp", "bmp", "svg", "tif", "tiff", "heic", "3gp", "mp4", "mov", "avi", "mkv",
    "webm", "aac", "amr", "mp3", "m4a", "ogg", "opus", "wav", "flac", "txt", "xls", "xlsx", "doc", "docx", "ppt",
    "pptx", "pdf", "csv", "rtf", "odt", "zip", "rar", "exe",
];

/// Checks a file that needs a `link`.
pub(super) fn linked(file: &JsonNode<'_, '_>, extensions: Extensions) -> Result<(), Violation> {
    let link = file.require("link")?;
    let path = web_address(&link)?;
    let Some((_, extension)) = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')) else { return Ok(()) };
    let is_same = |other: &&str| other.eq_ignore_ascii_case(extension);
    if extensions.is_empty() || extensions.iter().any(is_same) || !KNOWN_EXTENSIONS.iter().any(is_same) {
        return Ok(());
    }
    Err(link.violation(ViolationKind::File, format_args!("must be a file of type {}", any_of(extensions))))
}

/// Checks a file that needs a `link`, or the `id` of an earlier upload.
pub(super) fn linked_or_uploaded(file: &JsonNode<'_, '_>, extensions: Extensions) -> Result<(), Violation> {
    match (file.get("id"), file.get("link")) {
        (None, _) => linked(file, extensions),
        (Some(id), None) => id.text().map(drop),
        (Some(_), Some(_)) => Err(file.violation(ViolationKind::Value, "must have a link or an id, not both")),
    }
}

/// Returns the path of the web address that `node` must be.
pub(super) fn web_address<'json>(node: &JsonNode<'_, 'json>) -> Result<&'json str, Violation> {
    let text = node.text()?;
    path(text).ok_or_else(|| node.violation(ViolationKind::Value, "must be a web address, http or https"))
}

fn path(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let is_web = ["https", "http"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let (server, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = server.rsplit('@').next().and_then(|host| host.split(':').next())?;
    let is_valid = is_web && !host.is_empty() && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    is_valid.then(|| path.split(['?', '#']).next().unwrap_or_default())
}

/// Returns the extensions that WhatsApp takes for a kind of file. The documents list `.jpeg`, but link to a `.jpg` in a
/// sample.
pub(super) fn whatsapp_extensions(kind: &str) -> Extensions {
    match kind {
        "image" => &["jpeg", "png", "jpg"],
        "video" => &["3gp", "mp4"],
        "audio" => &["aac", "amr", "mp3", "m4a", "ogg"],
        _ => &["txt", "xls", "xlsx", "doc", "docx", "ppt", "pptx", "pdf"],
    }
}
