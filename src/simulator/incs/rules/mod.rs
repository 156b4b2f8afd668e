//! What the documents forbid in a request to send a message, and how the simulated provider says so.
//!
//! Two readers judge a request, as they do at the provider. The Messages API itself reads `to`, `type` and whether
//! there is content of the right JSON type: what it refuses is code 422. What is inside the content is judged by
//! the channel: codes 10002, 10003 and 10004. What the documents do not mention passes: fields they do not have, limits
//! they do not name.
//!
//! This is a reading of its own, so that a mistake in the product's is found out: it shares nothing with it.

mod buttons;
mod cards;
mod files;
mod interactive;
mod node;
mod rcs;
mod template;
mod viber;
mod violation;
mod whatsapp;

#[cfg(test)]
mod tests;

use super::refusal::Refusal;
use crate::model::Channel;
use crate::simulator::json::Json;

use node::Node;

/// The types a channel has.
fn types(channel: Channel) -> &'static [&'static str] {
    match channel {
        Channel::Whatsapp => &["template", "text", "image", "video", "audio", "document", "interactive"],
        Channel::Viber => &["otp", "text", "image", "video", "document"],
        Channel::Rcs => &["template", "text", "image", "video", "document"],
    }
}

/// Judges the body of a request to send a message over `channel`.
pub(in crate::simulator) fn judge(channel: Channel, body: &[u8]) -> Result<(), Refusal> {
    let Ok(request) = serde_json::from_slice::<Json>(body) else {
        return Err(Refusal::parameter("The request body is not valid JSON."));
    };
    if request.as_object().is_none() {
        return Err(Refusal::parameter("The request body is not a JSON object."));
    }
    match request.get("to").and_then(Json::as_text) {
        None => return Err(Refusal::parameter("The to field is required and must be a string.")),
        Some(to) if to.is_empty() || !to.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(Refusal::parameter("The phone number is invalid."));
        }
        Some(_) => {}
    }
    let Some(asked) = request.get("type").and_then(Json::as_text) else {
        return Err(Refusal::parameter("The type field is required and must be a string."));
    };
    let Some(kind) = types(channel).iter().copied().find(|kind| *kind == asked) else {
        return Err(Refusal::parameter(format!("The selected type is invalid for {channel}.")));
    };
    let Some(content) = request.get(kind) else {
        return Err(Refusal::parameter(format!("The {kind} field is required when type is {kind}.")));
    };
    if kind == "text" && content.as_text().is_none() {
        return Err(Refusal::parameter("The text field must be a string."));
    }
    if kind != "text" && content.as_object().is_none() {
        return Err(Refusal::parameter(format!("The {kind} field must be an object.")));
    }
    let content = Node::top(kind, content);
    let judged = match channel {
        Channel::Whatsapp => whatsapp::judge(kind, &content),
        Channel::Viber => viber::judge(kind, &content),
        Channel::Rcs => rcs::judge(kind, &content),
    };
    judged.map_err(|fault| fault.refusal(channel, kind == "template"))
}
