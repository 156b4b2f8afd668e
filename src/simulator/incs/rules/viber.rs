//! Viber: one-time passwords, texts and files.

use super::files::{self, Types};
use super::node::Node;
use super::violation::{Fault, Flaw};

/// The most characters of a text.
const TEXT: usize = 1000;

/// Judges what is inside a message.
pub(super) fn judge(kind: &str, content: &Node<'_, '_>) -> Result<(), Fault> {
    match kind {
        "otp" => otp(content),
        "text" => content.text_of(TEXT).map(drop),
        file => files::linked(content, types(file)),
    }
}

/// The documents list neither the languages nor the lengths of codes.
fn otp(otp: &Node<'_, '_>) -> Result<(), Fault> {
    otp.need("code")?.text()?;
    otp.need("language")?.text()?;
    let minutes = otp.need("code_expiration_minutes")?;
    match minutes.number()? > 0.0 {
        true => Ok(()),
        false => Err(minutes.fault(Flaw::Value, "must be greater than 0")),
    }
}

fn types(kind: &str) -> Types {
    match kind {
        "image" => &["png", "jpeg", "jpg", "gif"],
        "video" => &["mp4"],
        _ => &["doc", "docx", "xls", "xlsx", "csv", "pdf"],
    }
}
