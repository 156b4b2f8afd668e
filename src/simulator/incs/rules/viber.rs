//! Viber: one-time passwords, texts and files.

use super::files::{self, Extensions};
use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

const MAX_TEXT: usize = 1000;

/// Checks the content of a message.
pub(super) fn validate(message_type: &str, content: &JsonNode<'_, '_>) -> Result<(), Violation> {
    match message_type {
        "otp" => otp(content),
        "text" => content.text_up_to(MAX_TEXT).map(drop),
        file => files::linked(content, extensions(file)),
    }
}

/// Checks a one-time password. The documents list neither languages nor lengths of codes.
fn otp(otp: &JsonNode<'_, '_>) -> Result<(), Violation> {
    otp.require("code")?.text()?;
    otp.require("language")?.text()?;
    let minutes = otp.require("code_expiration_minutes")?;
    minutes.check(minutes.number()? > 0.0, ViolationKind::Value, "must be greater than 0")
}

fn extensions(message_type: &str) -> Extensions {
    match message_type {
        "image" => &["png", "jpeg", "jpg", "gif"],
        "video" => &["mp4"],
        _ => &["doc", "docx", "xls", "xlsx", "csv", "pdf"],
    }
}
