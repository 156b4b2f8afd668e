//! Checks a request to send a message. The Messages API itself checks `to`, `type` and the JSON type of the content,
//! with code 422. The channel checks the content.

use super::node::JsonNode;
use super::{rcs, viber, whatsapp};
use crate::model::Channel;
use crate::simulator::incs::json::BorrowedJson;
use crate::simulator::incs::refusal::Refusal;

/// Returns the message types of a channel.
fn message_types(channel: Channel) -> &'static [&'static str] {
    match channel {
        Channel::Whatsapp => &["template", "text", "image", "video", "audio", "document", "interactive"],
        Channel::Viber => &["otp", "text", "image", "video", "document"],
        Channel::Rcs => &["template", "text", "image", "video", "document"],
    }
}

/// Checks the body of a request to send a message over `channel`.
pub(in crate::simulator) fn validate(channel: Channel, body: &[u8]) -> Result<(), Refusal> {
    let Ok(request) = serde_json::from_slice::<BorrowedJson>(body) else {
        return Err(Refusal::parameter("The request body is not valid JSON."));
    };
    if request.as_object().is_none() {
        return Err(Refusal::parameter("The request body is not a JSON object."));
    }
    match request.get("to").and_then(BorrowedJson::as_text) {
        None => return Err(Refusal::parameter("The to field is required and must be a string.")),
        Some(to) if to.is_empty() || !to.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(Refusal::parameter("The phone number is invalid."));
        }
        Some(_) => {}
    }
    let Some(requested) = request.get("type").and_then(BorrowedJson::as_text) else {
        return Err(Refusal::parameter("The type field is required and must be a string."));
    };
    let Some(message_type) = message_types(channel).iter().copied().find(|known| *known == requested) else {
        return Err(Refusal::parameter(format!("The selected type is invalid for {channel}.")));
    };
    let Some(content) = request.get(message_type) else {
        return Err(Refusal::parameter(format!("The {message_type} field is required when type is {message_type}.")));
    };
    if message_type == "text" && content.as_text().is_none() {
        return Err(Refusal::parameter("The text field must be a string."));
    }
    if message_type != "text" && content.as_object().is_none() {
        return Err(Refusal::parameter(format!("The {message_type} field must be an object.")));
    }
    let content = JsonNode::root(message_type, content);
    let result = match channel {
        Channel::Whatsapp => whatsapp::validate(message_type, &content),
        Channel::Viber => viber::validate(message_type, &content),
        Channel::Rcs => rcs::validate(message_type, &content),
    };
    result.map_err(|violation| violation.refusal(channel, message_type == "template"))
}
