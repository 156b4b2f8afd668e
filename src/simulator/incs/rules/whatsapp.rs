//! WhatsApp: its kinds of messages, and its files wherever they stand.

use super::files;
use super::node::Node;
use super::violation::Fault;
use super::{interactive, template};

/// Judges what is inside a message.
pub(super) fn judge(kind: &str, content: &Node<'_, '_>) -> Result<(), Fault> {
    match kind {
        "template" => template::judge(content),
        "interactive" => interactive::judge(content),
        // The documents name no length.
        "text" => content.text().map(drop),
        file => files::linked(content, files::of_whatsapp(file)),
    }
}
