//! WhatsApp: its kinds of messages, and its files wherever they stand.

use super::fault::{Fault, Flaw};
use super::files::{self, Types};
use super::node::Node;
use super::{interactive, template};

/// Judges what is inside a message.
pub(super) fn judge(kind: &str, content: &Node<'_, '_>) -> Result<(), Fault> {
    match kind {
        "template" => template::judge(content),
        "interactive" => interactive::judge(content),
        // The documents name no length.
        "text" => content.text().map(drop),
        file => files::linked(content, types(file)),
    }
}

/// The files of a kind. A sample of the documents links to a `.jpg`, though they list `.jpeg` only.
pub(super) fn types(kind: &str) -> Types {
    match kind {
        "image" => &["jpeg", "png", "jpg"],
        "video" => &["3gp", "mp4"],
        "audio" => &["aac", "amr", "mp3", "m4a", "ogg"],
        _ => &["txt", "xls", "xlsx", "doc", "docx", "ppt", "pptx", "pdf"],
    }
}

/// The place of a card among `cards` of them, each of which has one of its own, counted from 0. `taken` are the places
/// of the cards before.
pub(super) fn place(card: &Node<'_, '_>, cards: usize, taken: &mut u16) -> Result<(), Fault> {
    let index = card.need("card_index")?;
    let number = index.number()?;
    let place = (0..cards).find(|place| *place as f64 == number);
    let place = place.ok_or_else(|| {
        index.fault(Flaw::Value, format_args!("must be a whole number from 0 to {}", cards.saturating_sub(1)))
    })?;
    if *taken & 1 << place != 0 {
        return Err(index.fault(Flaw::Value, "must not be that of another card"));
    }
    *taken |= 1 << place;
    Ok(())
}
