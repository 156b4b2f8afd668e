//! Files behind links. Nothing is fetched: what the documents say of a file's size, length and codecs is not looked at,
//! and a link whose name does not tell what it leads to passes.

use super::node::Node;
use super::violation::{Fault, Flaw};

/// The names that a channel's files of a kind may end in; none where the documents list none.
pub(super) type Types = &'static [&'static str];

/// What names of files end in, whether a channel takes such a file or not. The documents list what is taken; of a link
/// that ends in anything else (`.php`) nobody can tell what it leads to.
const ENDINGS: [&str; 38] = [
    "jpeg", "jpg", "png", "gif", "webp", "bmp", "svg", "tif", "tiff", "heic", "3gp", "mp4", "mov", "avi", "mkv",
    "webm", "aac", "amr", "mp3", "m4a", "ogg", "opus", "wav", "flac", "txt", "xls", "xlsx", "doc", "docx", "ppt",
    "pptx", "pdf", "csv", "rtf", "odt", "zip", "rar", "exe",
];

/// A file that has to be linked to.
pub(super) fn linked(file: &Node<'_, '_>, types: Types) -> Result<(), Fault> {
    let link = file.need("link")?;
    let path = web_address(&link)?;
    let Some((_, ending)) = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')) else { return Ok(()) };
    let is = |word: &&str| word.eq_ignore_ascii_case(ending);
    if types.is_empty() || types.iter().any(is) || !ENDINGS.iter().any(is) {
        return Ok(());
    }
    Err(link.fault(Flaw::File, format_args!("must be a file of the type {}", types.join(", "))))
}

/// A file that is linked to, or was uploaded before.
pub(super) fn linked_or_uploaded(file: &Node<'_, '_>, types: Types) -> Result<(), Fault> {
    match (file.get("id"), file.get("link")) {
        (None, _) => linked(file, types),
        (Some(id), None) => id.text().map(drop),
        (Some(_), Some(_)) => Err(file.fault(Flaw::Value, "must have a link or an id, not both")),
    }
}

/// The path in an address of the web, which `node` has to be.
pub(super) fn web_address<'json>(node: &Node<'_, 'json>) -> Result<&'json str, Fault> {
    let text = node.text()?;
    path(text).ok_or_else(|| node.fault(Flaw::Value, "must be a web address, http or https"))
}

fn path(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let known = ["https", "http"].iter().any(|word| word.eq_ignore_ascii_case(scheme));
    let (server, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = server.rsplit('@').next().and_then(|host| host.split(':').next())?;
    let whole = known && !host.is_empty() && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    whole.then(|| path.split(['?', '#']).next().unwrap_or_default())
}

/// The files of a kind on WhatsApp. A sample of the documents links to a `.jpg`, though they list `.jpeg` only.
pub(super) fn of_whatsapp(kind: &str) -> Types {
    match kind {
        "image" => &["jpeg", "png", "jpg"],
        "video" => &["3gp", "mp4"],
        "audio" => &["aac", "amr", "mp3", "m4a", "ogg"],
        _ => &["txt", "xls", "xlsx", "doc", "docx", "ppt", "pptx", "pdf"],
    }
}
