//! WhatsApp: which rules apply to which message type.

use super::node::JsonNode;
use super::violation::Violation;
use super::{files, interactive, template};

/// Checks the content of a message.
pub(super) fn validate(message_type: &str, content: &JsonNode<'_, '_>) -> Result<(), Violation> {
    match message_type {
        "template" => template::validate(content),
        "interactive" => interactive::validate(content),
        // The documents give no maximum length.
        "text" => content.text().map(drop),
        file => files::linked(content, files::whatsapp_extensions(file)),
    }
}
